"""InvLINT against InversionNet: one sample on one CPU thread, as in section 4.2 of the paper (5 ms against 80 ms).

Both are built for the shapes of the paper's seismic datasets and not trained, which does not change the
arithmetic. Measurements are normalised from raw amplitudes in both.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from fwibench_baselines import InversionNetOptions
from fwibench_baselines.inversionnet import InversionNet
from fwibench_invlint import InvLINTOptions
from fwibench_invlint.method import InvLINT
from measuring import Benchmark

from fwibench.methods.base import Method
from fwibench.methods.context import RunContext
from fwibench.testing import seismic_problem

SHAPES = {
    "salt": ((5, 600, 60), (40, 60)),
    "marmousi": ((5, 1000, 70), (70, 70)),
    "kimberlina-leakage": ((9, 1251, 101), (401, 141)),
}
CALLS = 10


def repeated(method: Method, measurements: np.ndarray) -> Callable[[], None]:
    def call() -> None:
        for _ in range(CALLS):
            method.infer(measurements)

    return call


def main() -> None:
    torch.set_num_threads(1)
    with Benchmark("latency", f"Predictions of {CALLS} single samples, one thread") as bench:
        for name, (measurement, shape) in SHAPES.items():
            problem = seismic_problem(measurement, shape)
            measurements = np.random.default_rng(0).normal(size=(1, *measurement)).astype(np.float32)
            with tempfile.TemporaryDirectory() as folder:
                context = RunContext(workdir=Path(folder))
                ours = InvLINT(problem, InvLINTOptions(), context)
                other = InversionNet(problem, InversionNetOptions(), context)
                ways = {"invlint": repeated(ours, measurements), "inversionnet": repeated(other, measurements)}
                bench.compare(name, ways)


if __name__ == "__main__":
    main()
