"""Rates of a device beside those of the CPU of the same machine: simulation, training, inversion.

    python benchmarks/gpu/rates.py --device cuda --seconds 100 --output rates.json

Writes the table after every measurement, and begins none for which no time is left. A row that cannot be measured says
why. The busy share is the mean of what `nvidia-smi` samples while the device is measured, after the warm-up; it is
empty where there is no sample.
Training runs on random arrays of salt's shape, whose values do not matter to the time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
from commands import smi
from generation import compare

from fwibench.methods.context import RunContext
from fwibench.physics.parallel import available_cores, simulate_each
from fwibench.plugins.registry import load_registry
from fwibench.problem import Problem
from fwibench.runs.opening.datasets import open_dataset
from fwibench.samples import Split
from fwibench.specs.options import validate_options
from fwibench.testing.problems import in_memory

LEARNED = ("inversionnet", "velocitygan", "invlint")
TURNS = (("float32", (1, 16)), ("bf16", (4, 64)), ("tf32", ()))
"""Precisions of training, each with the batches of the inversions that follow."""
LEAST_EPOCHS = 2
"""Epochs of a measurement of training; the first one warms up and does not count."""
DIFFERENT = 64
"""Different samples of a random split, which repeats them."""
LONGEST_S = 3.0
"""Time after the warm-up at which a measurement ends, with its epoch where it is one of training [s]."""
SMI_TIME = "%Y/%m/%d %H:%M:%S.%f"
"""How `nvidia-smi` writes the time of a sample."""
ITERATIONS = 10
"""Iterations of an inversion, in two bands; a rate of inversion is for so many."""
LEAST_S = 5.0
"""A measurement is not begun with less time left [s]."""

Measure = Callable[[], dict[str, Any]]
Window = list[datetime]
"""Beginning and end of what is measured; it may be written while `busy_share` samples."""


class EnoughError(Exception):
    """Ends a fit whose rate is known."""


def measurements(options: argparse.Namespace) -> Iterator[tuple[str, str, Measure]]:
    """Yield the kind, the subject and the function of every measurement, the most important first."""
    device, quick = options.device, options.quick
    cpu: dict[str, float] = {}
    for name in ("salt", "marmousi"):
        yield "simulation [maps/s]", name, lambda name=name: simulation(name, device, 2 if quick else 200)
    with patch.dict(os.environ, {"LOKY_MAX_CPU_COUNT": "2"}):
        yield "simulation [maps/s]", "salt, 2 CPU cores", lambda: simulation("salt", device, 2 if quick else 200)
    samples = 4 if quick else 4096
    for precision, batches in (("float32", (1, 2)),) if quick else TURNS:
        for name in LEARNED:

            def train(name: str = name, precision: str = precision) -> dict[str, Any]:
                if name not in cpu:
                    cpu[name] = training_rate(name, "float32", "cpu", min(samples, 64))
                with busy_share(device) as (window, busy):
                    rate = training_rate(name, precision, device, samples, window)
                return {**beside(rate, cpu[name]), "busy": busy()}

            yield "training [samples/s]", f"{name} {precision}", train
        for batch in batches:

            def invert(batch: int = batch) -> dict[str, Any]:
                if "inversion" not in cpu:
                    cpu["inversion"] = inversion_rate("cpu", 1 if quick else available_cores())
                with busy_share(device) as (window, busy):
                    rate = inversion_rate(device, batch, window)
                return {**beside(rate, cpu["inversion"]), "busy": busy(), "batch": batch}

            yield f"inversion of {ITERATIONS} iterations [samples/s]", f"multiscale-fwi, batch {batch}", invert


def simulation(name: str, device: str, maps: int) -> dict[str, Any]:
    """Return the row of `compare`, with the busy share of further simulations on a GPU.

    Args:
        name: Name of a dataset.
        device: Name of the device.
        maps: Number of maps at once.
    """
    row = compare(name, device, maps, 1)
    if device == "cpu":
        return {**row, "busy": None}
    dataset: Any = open_dataset(load_registry(), name, "quick")
    drawn = list(dataset.maps(range(maps)))
    with busy_share(device) as (window, busy):
        list(simulate_each(drawn, dataset.problem, device))
        window.append(datetime.now())
        end = time.monotonic() + LONGEST_S
        while time.monotonic() < end:
            list(simulate_each(drawn, dataset.problem, device))
        window.append(datetime.now())
    return {**row, "busy": busy()}


def beside(rate: float, cpu_rate: float) -> dict[str, float]:
    """Return a row of a rate and that of the CPU in float32."""
    return {"rate": rate, "cpu_rate": cpu_rate, "ratio": rate / cpu_rate}


def build(name: str, device: str, folder: str, given: dict[str, str], **context: Any) -> Any:
    """Return a method on salt with the options of the profile `paper` and some others.

    Args:
        name: Name of the method.
        device: Name of the device.
        folder: Its working folder.
        given: Options that differ.
        context: Further fields of the context.
    """
    registry = load_registry()
    spec = registry.method(name).spec
    options = validate_options(name, spec.options, spec.preset("paper", given), given)
    given_context = RunContext(workdir=Path(folder), device=device, dataset="salt", method=name, **context)
    return spec.load()(salt_problem(), options, given_context)


def salt_problem() -> Problem:
    """Return the problem of salt."""
    return open_dataset(load_registry(), "salt", "smoke").problem


@lru_cache(maxsize=4)
def random_split(name: str, samples: int) -> Split:
    """Return a split of random numbers in the range of salt's, some samples of which are equal."""
    problem, rng, different = salt_problem(), np.random.default_rng(0), min(samples, DIFFERENT)
    shots = 10 * rng.standard_normal((different, *problem.measurement_shape), np.float32)
    maps = rng.uniform(1500, 4500, (different, *problem.property_shape)).astype(np.float32)
    rows = np.arange(samples) % different
    return in_memory(name, shots[rows], maps[rows])


def training_rate(name: str, precision: str, device: str, samples: int, window: Window | None = None) -> float:
    """Return the training samples a second of a method, the median of its epochs.

    Args:
        name: Name of the method.
        precision: Option of that name.
        device: Name of the device.
        samples: Number of training samples.
        window: Receives the end of the first epoch and that of the last one.
    """
    seconds: list[float] = []
    ends = [] if window is None else window

    def epoch_ended(scalars: dict[str, float]) -> None:
        seconds.append(scalars["seconds"])
        ends[1:] = [datetime.now()]
        if len(seconds) >= LEAST_EPOCHS and (ends[1] - ends[0]).total_seconds() > LONGEST_S:
            raise EnoughError

    with TemporaryDirectory() as folder, contextlib.suppress(EnoughError):
        options = {"epochs": "1000", "precision": precision}
        method = build(name, device, folder, options, on_report=epoch_ended)
        method.fit(random_split("train", samples), random_split("val", 2))
    return samples / median(seconds[1:])


def inversion_rate(device: str, batch: int, window: Window | None = None) -> float:
    """Return the samples a second of `multiscale-fwi` on random maps, after an inversion for warming up.

    Args:
        device: Name of the device; a CPU inverts the samples of a batch in threads.
        batch: Number of samples that are inverted at once.
        window: Receives the beginning and the end.
    """
    problem, ends = salt_problem(), [] if window is None else window
    split, options = random_split("train", batch), {"iterations": str(ITERATIONS // 2), "bands": "10/full"}
    rates = []
    for samples in (1, batch):
        with TemporaryDirectory() as folder:
            method = build("multiscale-fwi", device, folder, options)
            method.samples_at_once = lambda samples=samples: samples
            method.fit(split, split)
            start, ends[:] = time.perf_counter(), [datetime.now()]
            found = method.predict(split.measurements[:samples])
            rates.append(samples / (time.perf_counter() - start))
            ends.append(datetime.now())
            if found.shape != (samples, *problem.property_shape):
                raise ValueError(f"maps have shape {found.shape}")
    return rates[-1]


@contextlib.contextmanager
def busy_share(device: str) -> Iterator[tuple[Window, Callable[[], float | None]]]:
    """Sample how busy a GPU is during the block.

    Yields:
        A list for the beginning and the end of what counts, and a function that returns the mean share of that time
        after the block.
    """
    shares: list[tuple[datetime, float]] = []
    window: Window = []

    def mean() -> float | None:
        begin, end = window[0], window[-1]
        within = [share for taken, share in shares if begin < taken < end]
        return fmean(within) if within else None

    child = None
    if device != "cpu":
        with contextlib.suppress(OSError):
            command = smi(device, "timestamp,utilization.gpu", "--loop-ms=200")
            child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield window, mean
    finally:
        if child is not None:
            child.terminate()
            for line in child.communicate()[0].splitlines():
                with contextlib.suppress(ValueError):
                    taken, share = line.split(", ")
                    shares.append((datetime.strptime(taken, SMI_TIME), float(share) / 100))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=100.0, help="time for everything (default: %(default)g)")
    parser.add_argument("--output", type=Path, default=Path("rates.json"))
    parser.add_argument("--quick", action="store_true", help="the smallest sizes, to try the script")
    options = parser.parse_args()
    deadline, rows = time.monotonic() + options.seconds, []
    for kind, subject, measure in measurements(options):
        row: dict[str, Any] = {"kind": kind, "subject": subject, "device": options.device}
        if time.monotonic() + LEAST_S > deadline:
            row["reason"] = "no time was left"
        else:
            try:
                row |= measure()
            except Exception as error:
                # one that fails, such as for want of a package, must not cost the others
                row["reason"] = f"{type(error).__name__}: {error}".splitlines()[0]
        rows.append(row)
        options.output.write_text(json.dumps(rows, indent=1) + "\n")
        print(row, flush=True)


if __name__ == "__main__":
    main()
