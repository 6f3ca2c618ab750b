"""Rate of simulating maps on a device against all cores of the same machine, and how far the data differ.

    python benchmarks/gpu/generation.py --device cuda

Both take turns; rates are medians. With `--device cpu` the batches of a GPU are computed by one thread of the CPU: that
tries the code.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
import torch

from fwibench.physics.parallel import available_cores, maps_at_once, simulate_batches, simulate_each
from fwibench.plugins.registry import load_registry
from fwibench.runs.opening.datasets import open_dataset

CPU_BATCH = 8
"""Maps of a batch where the device is the CPU."""


def compare(name: str, device: str, maps: int, rounds: int) -> dict[str, Any]:
    """Return the rates of a device and of all cores [maps/s], their ratio, and the relative L2 difference of the data.

    Args:
        name: Name of a dataset of acoustic physics.
        device: `cpu`, `cuda` or `cuda:N`.
        maps: Number of maps on the device; the CPU gets at most two for each core.
        rounds: Number of turns, after one for warming up.
    """
    dataset: Any = open_dataset(load_registry(), name, "quick")
    drawn, problem = list(dataset.maps(range(maps))), dataset.problem
    few = drawn[: 2 * available_cores()]
    size = CPU_BATCH if device == "cpu" else maps_at_once(problem, device)
    if device == "cpu":
        # deepwave's threads within a shot collapse where other processes use the cores
        torch.set_num_threads(1)
    data, rates = [], []
    for _ in range(rounds + 1):
        (there, on_device), (here, on_cpu) = (
            timed(lambda: simulate_batches(drawn, problem, device, size)),
            timed(lambda: simulate_each(few, problem)),
        )
        rates.append((len(drawn) / on_device, len(few) / on_cpu))
        data = [there[: len(few)], here[: len(few)]]
    found, expected = (np.stack(side[: len(few)]) for side in data)
    return {
        "rate": median(rate for rate, _ in rates[1:]),
        "cpu_rate": median(rate for _, rate in rates[1:]),
        "ratio": median(rate / cpu for rate, cpu in rates[1:]),
        "difference": float(np.linalg.norm(found - expected) / np.linalg.norm(expected)),
        "batch": min(size, maps),
    }


def timed(simulate: Callable[[], Iterator[np.ndarray]]) -> tuple[list[np.ndarray], float]:
    """Return the measurements and the time they took [s]; they lie on the CPU, so the device has finished."""
    start = time.perf_counter()
    measurements = list(simulate())
    return measurements, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu (default: %(default)s)")
    parser.add_argument("--maps", type=int, default=200, help="maps on the device (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--datasets", default="salt,marmousi,kimberlina-leakage")
    options = parser.parse_args()
    for name in options.datasets.split(","):
        row = compare(name, options.device, options.maps, options.rounds)
        print(
            f"{name}: {row['rate']:.4g} maps/s on {options.device} in batches of {row['batch']}, "
            f"{row['cpu_rate']:.4g} on {available_cores()} cores, ratio {row['ratio']:.3g}; "
            f"data {row['difference']:.1e} off"
        )


if __name__ == "__main__":
    main()
