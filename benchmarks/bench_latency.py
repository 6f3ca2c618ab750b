"""InvLINT against InversionNet: one sample on one CPU thread, as in section 4.2 of the paper (5 ms against 80 ms).

Both are built for the shapes of the paper's seismic datasets and not trained, which does not change the
arithmetic. Measurements are normalised from raw amplitudes in both.
"""

import tempfile
from pathlib import Path

import numpy as np
from fwibench_baselines import InversionNetOptions
from fwibench_baselines.inversionnet import InversionNet
from fwibench_invlint import InvLINTOptions
from fwibench_invlint.method import InvLINT

from fwibench.methods.context import RunContext
from fwibench.runs.execution.timing import latency_ms
from fwibench.testing import seismic_problem

SHAPES = {
    "salt": ((5, 600, 60), (40, 60)),
    "marmousi": ((5, 1000, 70), (70, 70)),
    "kimberlina-leakage": ((9, 1251, 101), (401, 141)),
}
ROUNDS = 5


def main() -> None:
    context = RunContext(workdir=Path(tempfile.mkdtemp()))
    for name, (measurement, shape) in SHAPES.items():
        problem = seismic_problem(measurement, shape)
        methods = [InvLINT(problem, InvLINTOptions(), context), InversionNet(problem, InversionNetOptions(), context)]
        measurements = np.random.default_rng(0).normal(size=(1, *measurement)).astype(np.float32)
        pairs = [[latency_ms(method.infer, measurements) for method in methods] for _ in range(ROUNDS)]
        ratios = [slow / fast for fast, slow in pairs]
        fast, slow = np.median(pairs, axis=0)
        print(
            f"{name}: invlint {fast:.2f} ms, inversionnet {slow:.1f} ms, "
            f"ratio median {np.median(ratios):.1f}, lowest {min(ratios):.1f} of {ROUNDS} rounds; the paper reports 16"
        )


if __name__ == "__main__":
    main()
