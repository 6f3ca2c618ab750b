"""What a seismic survey sees of a section.

A bump of velocity somewhere in the section changes the recorded data by so much, relative to the data. Where that
change is large, the data determine the velocity; where it is lost in what cannot be explained, they do not, and an
update there is a guess. The squared change is a diagonal entry of the Gauss-Newton Hessian, taken for a smooth bump
instead of a node, so waves that come back from a corner of the section and see its edges alone count for little.

Invariant: a function of problem and velocity alone. The random signals that it draws have a fixed seed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from fwibench.errors import ProblemError
from fwibench.physics.parallel import available_cores
from fwibench.physics.wavelets import HIGHEST, gradient_interval
from fwibench.problem import AcousticPhysics, Problem, SeismicSurvey
from fwibench.typing import Array32, Array64

DRAWS = 4
"""Gradients of random signals that are averaged."""
BUMP = 0.2, 0.6
"""Standard deviations of the bump down and along, over the wavelength at the peak frequency and the mean velocity."""
HEIGHT = 0.05
"""Height of the bump over the property's range."""
SEED = 20220
LEVEL = 0.004
"""Share of the data that a bump must change to be seen as well as not."""
SHADES = 64
"""Illuminations that are remembered."""


def illumination(problem: Problem, velocity: Array32 | None = None, level: float = LEVEL) -> Array32:
    """How well a survey sees each node, from 0 (not at all) to 1.

    With the change `s` of the data by a bump (see `sensitivity`) it is `s^4 / (s^4 + level^4)`: half where the change
    is `level`, and next to nothing at half of that.

    Args:
        problem: Acoustic problem.
        velocity: Model `(1, Z, X)` [m/s]; by default one that depends on the problem alone, see `reference_model`.
        level: Share of the data that a bump changes where it is seen by half.

    Returns:
        `(1, Z, X)`; remembered for the problem and the model.

    Raises:
        ProblemError: The problem is not acoustic.
    """
    model = reference_model(problem) if velocity is None else np.ascontiguousarray(velocity[0], np.float32)
    ratio = (_remembered(problem, model.tobytes()) / level) ** 4
    return np.asarray((ratio / (ratio + 1))[None], np.float32)


def has_illumination(problem: Problem) -> bool:
    """Whether illumination is defined: for seismic surveys with acoustic physics."""
    return isinstance(problem.survey, SeismicSurvey) and isinstance(problem.physics, AcousticPhysics)


def reference_model(problem: Problem) -> Array32:
    """A linear increase over depth from a quarter to three quarters of the property's range, `(Z, X)`."""
    low, span, grid = problem.property.low, problem.property.high - problem.property.low, problem.grid
    profile = low + span * np.linspace(0.25, 0.75, grid.nz)
    return np.broadcast_to(profile[:, None], grid.shape).astype(np.float32)


@lru_cache(maxsize=SHADES)
def _remembered(problem: Problem, model: bytes) -> Array32:
    found = sensitivity(np.frombuffer(model, np.float32).reshape(problem.grid.shape), problem)
    found.flags.writeable = False
    return found


def sensitivity(velocity: Array32, problem: Problem) -> Array32:
    """How much a bump at each node changes the data, relative to the data.

    The norm of `J b`, for the derivative `J` of the data and a bump `b`, is estimated from gradients `J^T n` of
    random signals `n`: the mean of `(b . J^T n)^2` is the squared norm.

    Args:
        velocity: `(Z, X)` [m/s].
        problem: Acoustic problem of that grid.

    Returns:
        `(Z, X)`, at least 0; time gain makes late and early arrivals count alike.

    Raises:
        ProblemError: The problem is not acoustic.
    """
    import torch
    from scipy.ndimage import gaussian_filter

    survey = problem.survey
    if not isinstance(survey, SeismicSurvey) or not isinstance(problem.physics, AcousticPhysics):
        raise ProblemError("illumination needs a seismic survey and acoustic physics")
    bounds, spacing = problem.property, problem.grid.spacing
    wavelength = float(velocity.mean()) / survey.wavelet.frequency / spacing
    width = tuple(part * wavelength for part in BUMP)
    model = np.clip(velocity, bounds.low, bounds.high, dtype=np.float32)
    gradients = np.zeros((DRAWS, *problem.grid.shape))
    energy, count, cores = 0.0, len(survey.sources), available_cores()
    with ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        # a few at a time, which bounds the memory; added in their order, so the number of cores changes nothing
        for first in range(0, count, cores):
            shots = range(first, min(first + cores, count))
            for own, size in pool.map(lambda shot: _random_gradients(model, problem, survey, shot), shots):
                gradients += own
                energy += size
    height = HEIGHT * (bounds.high - bounds.low)
    area = 2 * np.pi * width[0] * width[1]
    projected = height * area * gaussian_filter(gradients, (0, *width), mode="constant")
    squared = gaussian_filter(np.square(projected).mean(0), [part / 2 for part in width], mode="nearest")
    return np.sqrt(squared / energy).astype(np.float32)


def _random_gradients(model: Array32, problem: Problem, survey: SeismicSurvey, shot: int) -> tuple[Array64, float]:
    """Gradients `(DRAWS, Z, X)` of random signals for a shot, and the energy of its data."""
    import torch

    from fwibench.physics.acoustic import simulate

    part = problem.model_copy(update={"survey": survey.with_shots([shot])})
    values = torch.from_numpy(model[None, None].copy()).requires_grad_()
    gain = torch.arange(survey.nt)[:, None] * survey.dt
    recorded = simulate(values, part, gradient_interval=gradient_interval(survey, None)) * gain
    rng, found = np.random.default_rng([SEED, shot]), []
    for draw in range(DRAWS):
        signals = torch.from_numpy(_signals(rng, tuple(recorded.shape), survey))
        (gradient,) = torch.autograd.grad((recorded * signals).sum(), values, retain_graph=draw < DRAWS - 1)
        found.append(gradient[0, 0].double().numpy())
    return np.stack(found), float(recorded.detach().square().sum())


def _signals(rng: np.random.Generator, shape: tuple[int, ...], survey: SeismicSurvey) -> Array32:
    """Random signals `(n, S, T, R)` that are white up to the highest frequency of the wavelet.

    Higher ones meet nothing in the data, and a gradient that is summed at intervals would take them for lower ones.
    """
    spectra = np.fft.rfft(rng.standard_normal(shape), axis=2)
    spectra[:, :, np.fft.rfftfreq(survey.nt, survey.dt) > HIGHEST * survey.wavelet.frequency] = 0
    return np.fft.irfft(spectra, survey.nt, axis=2).astype(np.float32)
