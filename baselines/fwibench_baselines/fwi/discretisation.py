"""Discretisation of the simulations of an inversion: different from that of the data, and as cheap as stability allows.

Invariant: the simulation of an inversion differs from the one that made the data in stencil and time step. With the
same scheme the inversion would also fit the numerical errors of the data (inverse crime).
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
import torch
from deepwave.discretisation import critical_courant_number
from numpy.typing import NDArray
from scipy.signal import resample_poly
from torch import Tensor
from torch.nn.functional import conv2d, pad

from fwibench.physics.wavelets import sample_wavelet
from fwibench.problem import Problem, SampledWavelet, SeismicSurvey, acoustic_physics, seismic_survey
from fwibench.typing import Array32, Maps
from fwibench_baselines.fwi.grids import coarse_grid
from fwibench_baselines.fwi.options import Order

MARGIN = 0.98
"""Courant number over the critical one."""
COARSEST = 10
"""Smallest number of nodes per shortest wavelength, at the peak frequency of the source, for order 4."""
MULTIPLE = 20
"""The number of time samples is a multiple of it, so that there are intervals for the gradient that divide it."""


def inversion_problem(problem: Problem, accuracy: Order | None) -> Problem:
    """Return the problem as an inversion simulates it.

    The order in space is the lowest one that suits the wavelengths and differs from that of the data. The time axis has
    the smallest number of samples that is stable without inner time steps.

    Args:
        problem: Problem of the data.
        accuracy: Order in space; None: chosen as above.

    Raises:
        TypeError: The problem is not acoustic.
    """
    physics = acoustic_physics(problem)
    points = problem.property.low / seismic_survey(problem).wavelet.frequency / problem.grid.spacing
    suited: tuple[Order, ...] = (4, 6, 8) if points >= COARSEST else (6, 8)
    order = next(one for one in suited if one != physics.accuracy) if accuracy is None else accuracy
    return _on_stable_axis(problem.model_copy(update={"physics": physics.model_copy(update={"accuracy": order})}))


@lru_cache(maxsize=16)
def coarse(problem: Problem, factor: int) -> Problem:
    """Return a problem of `inversion_problem` on a grid of `factor` times the spacing, with the time step of that grid.

    Raises:
        TypeError: The problem is not acoustic.
    """
    return problem if factor == 1 else _on_stable_axis(coarse_grid(problem, factor))


def _on_stable_axis(problem: Problem) -> Problem:
    """Return the problem with the smallest number of time samples that is stable at its order and spacing."""
    survey, physics = seismic_survey(problem), acoustic_physics(problem)
    courant = MARGIN * critical_courant_number(physics.accuracy, propagator="scalar")
    samples = MULTIPLE * math.ceil(stable_steps(problem, survey.nt * survey.dt, courant) / MULTIPLE)
    return problem.model_copy(
        update={
            "survey": on_time_axis(survey, samples),
            "physics": physics.model_copy(update={"courant_number": courant}),
        }
    )


def averaged(velocity: Tensor, factor: int) -> Tensor:
    """Average velocities `(n, 1, Z, X)` to the grid of `coarse`; differentiable.

    Squared slowness is averaged, which keeps travel times; edges are continued. No average is above the largest
    velocity, also after rounding: a simulation may not be stable above it.
    """
    if factor == 1:
        return velocity
    beyond = [-(length - 1) % factor for length in velocity.shape[2:]]
    edges = (factor - 1, factor - 1 + beyond[1], factor - 1, factor - 1 + beyond[0])
    hat = 1 - torch.arange(1 - factor, factor, dtype=velocity.dtype, device=velocity.device).abs() / factor
    weights = (hat[:, None] * hat / factor**2)[None, None]
    slowness = pad(velocity, edges, mode="replicate").square().reciprocal()
    means = conv2d(slowness, weights, stride=factor).rsqrt()
    return clipped(means, None, float(velocity.detach().max()))


def clipped(values: Tensor, low: float | None, high: float) -> Tensor:
    """Clip values to limits, exactly; the clipping has no gradient of its own, so that values at a limit can return.

    Args:
        values: Values of any shape.
        low: Lower limit; None: there is none.
        high: Upper limit.
    """
    # the difference is zero, whereas `values + (limit - values)` is rounded
    return values.detach().clamp(low, high) + (values - values.detach())


def stable_steps(problem: Problem, duration: float, courant: float) -> float:
    """Return the smallest stable number of time steps of a simulation, not rounded.

    Args:
        problem: Acoustic problem.
        duration: Duration of the simulation [s].
        courant: Courant number.

    Raises:
        TypeError: The problem is not acoustic.
    """
    return acoustic_physics(problem).max_velocity * duration * math.sqrt(2) / problem.grid.spacing / courant


def on_time_axis(survey: SeismicSurvey, samples: int) -> SeismicSurvey:
    """Return the survey with another number of time samples over the same time; a sampled wavelet is resampled."""
    wavelet = survey.wavelet
    if isinstance(wavelet, SampledWavelet):
        signal = resample(sample_wavelet(survey)[None, None, :, None], samples).ravel()
        wavelet = wavelet.model_copy(update={"samples": tuple(map(float, signal))})
    dt = survey.nt * survey.dt / samples
    return survey.model_copy(update={"nt": samples, "dt": dt, "wavelet": wavelet})


def resample(measurements: Maps, samples: int) -> Maps:
    """Resample measurements `(n, S, T, R)` to another number of time samples over the same time."""
    nt = measurements.shape[2]
    if nt == samples:
        return measurements
    return np.asarray(resample_poly(measurements, samples, nt, axis=2, padtype="line"), np.float32)


def at_offsets(problem: Problem, cells: float) -> NDArray[np.bool_]:
    """Return which receivers `(S, R)` are at least `cells` away from each source.

    Nearer receivers mainly record the source itself, whose amplitude on a grid depends on the stencil.
    """
    survey = seismic_survey(problem)
    sources = np.array([(place.x, place.z) for place in survey.sources])
    receivers = np.array([[(place.x, place.z) for place in survey.receivers_of(shot)] for shot in range(len(sources))])
    distance = np.linalg.norm(sources[:, None] - receivers, axis=2)
    return np.asarray(distance >= cells * problem.grid.spacing)


def taper(problem: Problem, cells: float) -> Array32:
    """Return weights of the gradient `(Z, X)`: 0 at sources and receivers, close to 1 beyond `cells` from them."""
    weights = np.ones(problem.grid.shape)
    if not cells:
        return weights.astype(np.float32)
    survey, spacing = problem.survey, problem.grid.spacing
    z, x = np.meshgrid(*(np.arange(n) * spacing for n in problem.grid.shape), indexing="ij")
    receivers = itertools.chain(survey.receivers, *getattr(survey, "shot_receivers", ()))
    for place in {*survey.sources, *receivers}:
        squared = ((z - place.z) ** 2 + (x - place.x) ** 2) / (cells * spacing) ** 2
        weights = np.minimum(weights, 1 - np.exp(-squared))
    return weights.astype(np.float32)
