"""Inverting samples: ours against a loop over samples with the recipe that deepwave documents.

1. The same iterations of Adam on all shots of the full band, at the same order in space. The recipe is run with
   deepwave's default absorbing layer of 20 cells, and with the 10 that we use.
2. The same final misfit: the recipe takes `ITERATIONS`, ours as many of each band as the misfit of its full band needs
   to be no larger, mean over the samples. Misfits are those of all shots, relative to the energy of the traces.
"""

import tempfile
from functools import partial
from pathlib import Path

import deepwave
import numpy as np
import torch
from fwibench_baselines.fwi.method import MultiscaleFWI
from fwibench_baselines.fwi.options import StartOptions
from measuring import Benchmark

from fwibench.datasets.salt.dataset import PROBLEM, _volume
from fwibench.methods.context import RunContext
from fwibench.physics.parallel import simulate_each
from fwibench.physics.wavelets import sample_wavelet

SAMPLES = 2
SAME, ITERATIONS = 10, 100
ROUNDS = 3
TRIED = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 100)


def recipe(observed: torch.Tensor, start: torch.Tensor, iterations: int, pml_width: int) -> torch.Tensor:
    """The loop of deepwave's example of full waveform inversion, all shots in one call."""
    survey, spacing = PROBLEM.survey, PROBLEM.grid.spacing
    sources = torch.tensor([[[round(p.z / spacing), round(p.x / spacing)]] for p in survey.sources])
    receivers = torch.tensor([[round(p.z / spacing), round(p.x / spacing)] for p in survey.receivers])
    # the sign of our source term
    amplitudes = -torch.from_numpy(sample_wavelet(survey)).repeat(len(sources), 1, 1)
    velocity = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([velocity], lr=40.0)
    for _ in range(iterations):
        optimiser.zero_grad()
        simulated = deepwave.scalar(
            velocity,
            spacing,
            survey.dt,
            source_amplitudes=amplitudes,
            source_locations=sources,
            receiver_locations=receivers.repeat(len(sources), 1, 1),
            pml_freq=survey.wavelet.frequency,
            pml_width=pml_width,
            max_vel=PROBLEM.property.high,
        ).receiver_amplitudes
        torch.nn.functional.mse_loss(simulated, observed).backward()
        torch.nn.utils.clip_grad_value_([velocity], float(torch.quantile(velocity.grad.abs(), 0.98)))
        optimiser.step()
        with torch.no_grad():
            velocity.clamp_(PROBLEM.property.low, PROBLEM.property.high)
    return velocity.detach()


def loop(measurements: np.ndarray, start: np.ndarray, iterations: int, pml_width: int) -> np.ndarray:
    shots = torch.from_numpy(measurements.transpose(0, 1, 3, 2).copy())
    found = [recipe(one, torch.from_numpy(start[0]), iterations, pml_width) for one in shots]
    return torch.stack(found).numpy()[:, None]


def pool(measurements: np.ndarray, start: np.ndarray, **options: object) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        method = MultiscaleFWI(PROBLEM, StartOptions(**options), RunContext(workdir=Path(folder)))
        # as a fit on a train split with this mean map would set it
        method._start = start
        return method.predict(measurements)


def misfit(maps: np.ndarray, measurements: np.ndarray) -> float:
    """Mean over the samples of the squared difference of all traces over their energy."""
    again = np.stack(list(simulate_each(list(maps), PROBLEM)))
    squares = ((again - measurements) ** 2).sum((1, 2, 3)) / (measurements**2).sum((1, 2, 3))
    return float(squares.mean())


def main() -> None:
    maps = [_volume(0)[10 * i][None].astype(np.float32) for i in range(SAMPLES)]
    start = np.mean(maps, axis=0)
    measurements = np.stack(list(simulate_each(maps, PROBLEM)))
    with Benchmark("inversion", f"Inverting {SAMPLES} samples of salt from the mean of their maps") as bench:
        same = {
            "ours": partial(pool, measurements, start, bands="full", iterations=SAME, shots=None),
            "deepwave's recipe, 20 cells": partial(loop, measurements, start, SAME, 20),
            "deepwave's recipe, 10 cells": partial(loop, measurements, start, SAME, 10),
        }
        bench.compare(f"{SAME} iterations", same, rounds=ROUNDS)
        reached = misfit(loop(measurements, start, ITERATIONS, 20), measurements)
        bench.note(f"misfit after {ITERATIONS} iterations of the recipe", reached, "of the energy")
        for needed in TRIED:
            own = misfit(pool(measurements, start, iterations=needed), measurements)
            if own <= reached:
                break
        bench.note(f"misfit after {needed} iterations of each of our bands", own, "of the energy")
        bench.note("misfit of the start", misfit(np.stack([start] * SAMPLES), measurements), "of the energy")
        equal = {
            "ours": partial(pool, measurements, start, iterations=needed),
            "deepwave's recipe, 20 cells": partial(loop, measurements, start, ITERATIONS, 20),
        }
        bench.compare("to the same misfit", equal, rounds=2)


if __name__ == "__main__":
    main()
