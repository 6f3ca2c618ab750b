"""Inverting samples: our pool against a loop over samples with the recipe that deepwave documents.

Both take the same number of iterations of Adam on all shots of each sample, at the same order in space.
The recipe is run with deepwave's default absorbing layer of 20 cells, and with the 10 that we use.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import deepwave
import numpy as np
import torch
from fwibench_baselines.fwi.method import MultiscaleFWI
from fwibench_baselines.fwi.options import StartOptions

from fwibench.datasets.salt.dataset import PROBLEM, _volume
from fwibench.methods.context import RunContext
from fwibench.physics.parallel import simulate_each
from fwibench.physics.wavelets import sample_wavelet

SAMPLES = 4
ITERATIONS = 10
ROUNDS = 3


def recipe(observed: torch.Tensor, start: torch.Tensor, pml_width: int) -> torch.Tensor:
    """The loop of deepwave's example of full waveform inversion, all shots in one call."""
    survey, spacing = PROBLEM.survey, PROBLEM.grid.spacing
    sources = torch.tensor([[[round(p.z / spacing), round(p.x / spacing)]] for p in survey.sources])
    receivers = torch.tensor([[round(p.z / spacing), round(p.x / spacing)] for p in survey.receivers])
    amplitudes = torch.from_numpy(sample_wavelet(survey)).repeat(len(sources), 1, 1)
    velocity = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([velocity], lr=40.0)
    for _ in range(ITERATIONS):
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


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    maps = [_volume(0)[10 * i][None].astype(np.float32) for i in range(SAMPLES)]
    start = np.mean(maps, axis=0)
    measurements = np.stack(list(simulate_each(maps, PROBLEM)))
    options = StartOptions(bands="full", iterations=ITERATIONS, shots=None)

    def loop(pml_width: int) -> None:
        for shots in torch.from_numpy(measurements.transpose(0, 1, 3, 2).copy()):
            recipe(shots, torch.from_numpy(start[0]), pml_width)

    def pool() -> None:
        with tempfile.TemporaryDirectory() as folder:
            method = MultiscaleFWI(PROBLEM, options, RunContext(workdir=Path(folder)))
            method._start = start
            method.predict(measurements)

    calls = {"loop, 20 cells": lambda: loop(20), "loop, 10 cells": lambda: loop(10), "pool": pool}
    pool()
    times = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            times[name].append(seconds(call))
    for name, taken in times.items():
        ratios = np.array(taken) / np.array(times["pool"])
        a_sample = f"{min(taken) / SAMPLES:5.2f} s a sample of {ITERATIONS} iterations"
        print(f"{name:15} {a_sample}, {np.median(ratios):.2f} times the pool's")


if __name__ == "__main__":
    main()
