"""What simulations of first predictions tell: gradients of the misfit, and the part of the data that is left.

Invariant: samples do not influence each other.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from typing import NamedTuple

import numpy as np
import torch
from fwibench_baselines.fwi.discretisation import at_offsets, inversion_problem, resample
from fwibench_baselines.fwi.engine import Engine
from fwibench_baselines.fwi.method import gradient_flops, simulation_flops
from fwibench_baselines.fwi.options import InversionOptions
from fwibench_baselines.fwi.shots import simulate_shots
from torch import Tensor
from torch.nn.functional import pad

from fwibench.physics.parallel import available_cores
from fwibench.physics.wavelets import gradient_interval, sample_wavelet
from fwibench.problem import Problem
from fwibench.typing import Array32, Maps
from fwibench_residual import ResidualOptions

LARGEST_MISFIT = 2.0
"""Largest square root of a misfit that a network is told; that of uncorrelated data of equal energy is 1.4."""
TINY = 1e-30
"""Avoids divisions by zero."""


class Sizes(NamedTuple):
    """Shapes of the inputs of a sample, which one vector holds in this order.

    Attributes:
        maps: The normalised first prediction, then a gradient for each band, `(1 + B, Z, X)`.
        misfits: Square root of the misfit in each band, `(B,)`.
        data: Measurement, then what is left of it, `(2 S, T, R)`; empty if there is none.
    """

    maps: tuple[int, int, int]
    misfits: tuple[int]
    data: tuple[int, ...]

    def split(self, inputs: Tensor) -> list[Tensor]:
        """Return maps, misfits and data of vectors `(n, values)`."""
        lengths = [int(np.prod(shape)) for shape in self]
        parts = torch.split(inputs, lengths, 1)
        return [part.reshape(len(inputs), *shape) for part, shape in zip(parts, self, strict=True)]

    def mirror(self, inputs: Tensor) -> Tensor:
        """Return the vectors `(n, values)` of the mirrored samples: columns, shots and receivers in reverse order."""
        maps, misfits, data = self.split(inputs)
        if len(self.data) == 3:
            data = data.reshape(len(data), 2, -1, *self.data[1:]).flip(2, 4)
        return torch.cat([part.flatten(1) for part in (maps.flip(3), misfits, data)], 1)

    @property
    def values(self) -> int:
        """Length of the vector."""
        return sum(int(np.prod(shape)) for shape in self)


class Simulations:
    """Compares measurements with simulations of first predictions, which differ from those of the data in their scheme.

    Args:
        problem: Problem of the data.
        options: Inputs and bands.
        device: Device of the computation.

    Attributes:
        sizes: Shapes of the inputs of a sample.
    """

    def __init__(self, problem: Problem, options: ResidualOptions, device: str) -> None:
        self._target, self._amplitude, self._device = problem.property, problem.amplitude, device
        self.engine = Engine(inversion_problem(problem, None), InversionOptions(bands=options.bands), device)
        self.bands = self.engine.bands if options.inputs != "data" else ()
        self.interval = gradient_interval(self.engine.survey, None)
        self.shows_data = options.inputs != "migrated"
        shots, receivers = problem.measurement_shape[0], problem.measurement_shape[2]
        samples = self.engine.survey.nt // self.interval
        self.sizes = Sizes(
            (1 + len(self.bands), *problem.grid.shape),
            (len(self.bands),),
            (2 * shots, samples, receivers) if self.shows_data else (0,),
        )

    def compare(self, measurements: Maps, first: Maps, stops: Callable[[], bool] = lambda: False) -> Array32:
        """Return the inputs of samples, see `Sizes`.

        Args:
            measurements: Raw amplitudes `(n, S, T, R)`.
            first: First predictions `(n, 1, Z, X)` within the bounds of the property.
            stops: Called before each simulation.

        Returns:
            The inputs `(n, values)`, or those of the first samples if `stops` returned true.
        """

        def run(first_row: int) -> Array32 | None:
            rows = slice(first_row, first_row + size)
            return None if stops() else self._compare(measurements[rows], first[rows])

        size = 1 if self._device == "cpu" else self.engine.samples_at_once()
        starts = range(0, len(measurements), size)
        if self._device != "cpu":
            found = list(map(run, starts))
        else:
            with ThreadPoolExecutor(available_cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
                found = list(pool.map(run, starts))
        nothing = np.zeros((0, self.sizes.values), np.float32)
        return np.concatenate([nothing, *takewhile(lambda part: part is not None, found)])

    def _compare(self, measurements: Maps, first: Maps) -> Array32:
        # a prediction may be computed in inference mode, which gradients do not allow
        with torch.inference_mode(False), torch.enable_grad():
            recorded = resample(measurements, self.engine.survey.nt)
            velocity = torch.from_numpy(first).to(self._device).requires_grad_()
            maps, misfits = [self._target.normalise(velocity.detach())], []
            for corner in self.bands:
                objective = self.engine.objectives.of_band(recorded, velocity.detach(), corner, penalised=False)
                values, gradient = self.engine.gradient(objective, velocity)
                # the outermost nodes are continued into the absorbing frame, all of whose gradients they add up
                inner = pad(gradient[..., 1:-1, 1:-1], (1, 1, 1, 1))
                maps.append(-inner / (inner.square().mean((1, 2, 3), keepdim=True).sqrt() + TINY))
                misfits.append(np.sqrt(values).clip(max=LARGEST_MISFIT).astype(np.float32))
            parts = [torch.cat(maps, 1).flatten(1).cpu().numpy(), *(one[:, None] for one in misfits)]
            if self.shows_data:
                parts.append(self._data(recorded, velocity.detach()))
        return np.concatenate(parts, 1)

    @torch.no_grad()
    def _data(self, recorded: Maps, velocity: Tensor) -> Array32:
        """Return scaled measurements and what the simulation leaves of them, as rows; near offsets are left out."""
        problem, survey = self.engine.problem, self.engine.survey
        source = torch.from_numpy(sample_wavelet(survey)).to(self._device)
        each = map if self._device == "cpu" else None
        shots = tuple(range(len(survey.sources)))
        simulated = simulate_shots(velocity, problem, shots, source, self.interval, each).cpu().numpy()
        heard = at_offsets(problem, self.engine.options.mute)[:, None] * recorded.any(axis=2, keepdims=True)
        scaled, explained = (
            self._amplitude.normalise(one[:, :, :: self.interval] * heard, np) for one in (recorded, simulated)
        )
        pair = np.concatenate([scaled, scaled - explained], 1)
        return np.asarray(pair.reshape(len(pair), -1), np.float32)

    def flops(self) -> int:
        """Return the FLOPs of the simulations of one sample."""
        gradients = sum(gradient_flops(self.engine.objectives.problem_of(corner)) for corner in self.bands)
        return gradients + (simulation_flops(self.engine.problem) if self.shows_data else 0)
