"""InvLINT against InversionNet: one sample on one CPU thread, as in section 4.2 of the paper (5 ms against 80 ms).

Both are built for the salt problem and not trained, which does not change the arithmetic.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from fwibench_baselines import InversionNetOptions
from fwibench_baselines.inversionnet import InversionNet
from fwibench_invlint import InvLINTOptions
from fwibench_invlint.method import InvLINT

from fwibench.datasets.salt import PROBLEM
from fwibench.methods.context import RunContext
from fwibench.runs.timing import latency_ms

ROUNDS = 5


def main() -> None:
    torch.manual_seed(0)
    context = RunContext(workdir=Path(tempfile.mkdtemp()))
    methods = [InvLINT(PROBLEM, InvLINTOptions(), context), InversionNet(PROBLEM, InversionNetOptions(), context)]
    measurements = np.random.default_rng(0).normal(size=(1, *PROBLEM.measurement_shape)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        for method in methods:
            torch.save(
                {"encoder": method.encoder.state_dict(), "network": method.network.state_dict()}, f"{folder}/model.pt"
            )
            method.load(Path(folder))
    pairs = [[latency_ms(method.predict, measurements) for method in methods] for _ in range(ROUNDS)]
    ratios = [slow / fast for fast, slow in pairs]
    fast, slow = np.median(pairs, axis=0)
    print(f"invlint {fast:.2f} ms, inversionnet {slow:.1f} ms")
    print(f"ratio: median {np.median(ratios):.1f}, lowest {min(ratios):.1f} of {ROUNDS} rounds; the paper reports 16")


if __name__ == "__main__":
    main()
