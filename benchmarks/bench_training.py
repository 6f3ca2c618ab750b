"""One epoch of training, InvLINT against InversionNet: same salt data, same batches (the paper: 9 times faster).

InvLINT's closed form is solved once a fit and its encodings are computed once; both are shown beside the
epochs.
"""

import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np
from fwibench_baselines import InversionNetOptions
from fwibench_baselines.inversionnet import InversionNet
from fwibench_invlint import InvLINTOptions
from fwibench_invlint.method import InvLINT

from fwibench.methods.context import RunContext
from fwibench.methods.torch_method import TorchMethod
from fwibench.plugins.registry import load_registry
from fwibench.runs.execution.timing import stopwatch
from fwibench.runs.opening.datasets import open_dataset

EPOCHS = 3
BATCH = 8


def epoch_seconds(method: TorchMethod) -> tuple[float, float]:
    """Median of an epoch, and the whole fit."""
    dataset = open_dataset(load_registry(), "salt", "quick")
    dataset.prepare()
    # its import is no part of a fit's time
    import_module("fwibench.methods.training")
    with stopwatch("cpu") as fit:
        method.fit(dataset.split("random", "train"), dataset.split("random", "val"))
    return float(np.median([entry["seconds"] for entry in method.history])), fit.seconds


def main() -> None:
    problem = open_dataset(load_registry(), "salt", "quick").problem
    common = {"epochs": EPOCHS, "batch_size": BATCH}
    found = []
    for kind, options in ((InvLINT, InvLINTOptions(**common)), (InversionNet, InversionNetOptions(**common))):
        with tempfile.TemporaryDirectory() as folder:
            found.append(epoch_seconds(kind(problem, options, RunContext(workdir=Path(folder)))))
    (fast, fast_fit), (slow, slow_fit) = found
    print(f"one epoch: invlint {fast:.3f} s, inversionnet {slow:.2f} s, ratio {slow / fast:.1f}; the paper reports 9")
    print(f"fit of {EPOCHS} epochs with everything: invlint {fast_fit:.2f} s, inversionnet {slow_fit:.1f} s")


if __name__ == "__main__":
    main()
