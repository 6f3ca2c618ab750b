"""Illumination: how well a seismic survey determines the velocity at each node.

A velocity bump at a node changes the recorded data. Where the change is large relative to the data, they determine the
velocity; where it is smaller than the part of the data that no model explains, an update is arbitrary. The squared
change is a diagonal entry of the Gauss-Newton Hessian for a smooth bump instead of a single node, so that waves which
are only scattered by the edges of the section contribute little.

Invariant: illumination is a function of problem and velocity. Its random signals have a fixed seed.
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
"""Number of random signals whose gradients are averaged."""
BUMP = 0.2, 0.6
"""Standard deviations of the bump along depth and x, over the wavelength of the peak frequency at the mean velocity."""
HEIGHT = 0.05
"""Height of the bump over the range of the property."""
SEED = 20220
LEVEL = 0.004
"""Relative change of the data at which the illumination is one half."""
SHADES = 64
"""Size of the cache of sensitivities."""


def illumination(problem: Problem, velocity: Array32 | None = None, level: float = LEVEL) -> Array32:
    """Return the illumination of each node, from 0 (not determined by the data) to 1.

    It is `s^4 / (s^4 + level^4)` for the relative change `s` of the data by a bump, see `sensitivity`: 0.5 where the
    change equals `level`, 0.06 where it is half of it.

    Args:
        problem: Acoustic problem.
        velocity: Model `(1, Z, X)` [m/s]; None: `reference_model`.
        level: Relative change of the data at which the illumination is 0.5.

    Returns:
        Illumination `(1, Z, X)`; the underlying sensitivities are cached.

    Raises:
        ProblemError: The problem is not acoustic.
    """
    model = reference_model(problem) if velocity is None else np.ascontiguousarray(velocity[0], np.float32)
    ratio = (_remembered(problem, model.tobytes()) / level) ** 4
    return np.asarray((ratio / (ratio + 1))[None], np.float32)


def has_illumination(problem: Problem) -> bool:
    """Return whether illumination is defined: for seismic surveys with acoustic physics."""
    return isinstance(problem.survey, SeismicSurvey) and isinstance(problem.physics, AcousticPhysics)


def reference_model(problem: Problem) -> Array32:
    """Return a linear increase with depth from a quarter to three quarters of the property's range, `(Z, X)`."""
    low, span, grid = problem.property.low, problem.property.high - problem.property.low, problem.grid
    profile = low + span * np.linspace(0.25, 0.75, grid.nz)
    return np.broadcast_to(profile[:, None], grid.shape).astype(np.float32)


@lru_cache(maxsize=SHADES)
def _remembered(problem: Problem, model: bytes) -> Array32:
    found = sensitivity(np.frombuffer(model, np.float32).reshape(problem.grid.shape), problem)
    found.flags.writeable = False
    return found


def sensitivity(velocity: Array32, problem: Problem) -> Array32:
    """Return the relative change of the data by a bump at each node.

    The norm of `J b`, for the derivative `J` of the data and a bump `b`, is estimated from gradients `J^T n` of white
    random signals `n`: the mean of `(b . J^T n)^2` is the squared norm. A gain linear in time weights late and early
    arrivals equally.

    Args:
        velocity: Model `(Z, X)` [m/s].
        problem: Acoustic problem on the same grid.

    Returns:
        Relative change `(Z, X)`, at least 0.

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
        # as many shots at a time as cores bounds the memory; sums in the order of the shots do not depend on the cores
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
    """Return gradients `(DRAWS, Z, X)` of random signals for a shot, and the energy of its data."""
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
    """Return random signals `(n, S, T, R)` that are white up to the highest frequency of the wavelet.

    The data have no energy above it, and a gradient summed at intervals would alias higher frequencies.
    """
    spectra = np.fft.rfft(rng.standard_normal(shape), axis=2)
    spectra[:, :, np.fft.rfftfreq(survey.nt, survey.dt) > HIGHEST * survey.wavelet.frequency] = 0
    return np.fft.irfft(spectra, survey.nt, axis=2).astype(np.float32)
