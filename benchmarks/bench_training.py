"""Training InversionNet and VelocityGAN: `fit` against the loop of OpenFWI's scripts, on the same batches of salt.

The loop is theirs: the network in PyTorch's own layout and in float32, `zero_grad`, one backward pass, AdamW, the loss
read after each batch, and a validation pass after each epoch. Data lie in memory in both, as normalised arrays in the
loop. Ours contains the choice of threads. bf16 pays on CPUs with matrix units for it (AMX) and costs on others; `auto`,
the default of profile quick, chooses by the processor.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from fwibench_baselines import InversionNetOptions
from fwibench_baselines.inversionnet import InversionNet, build_network
from measuring import Benchmark

from fwibench.methods.context import RunContext
from fwibench.plugins.registry import load_registry
from fwibench.problem import Problem
from fwibench.runs.opening.datasets import open_dataset
from fwibench.samples import Split

EPOCHS, BATCH = 2, 8
ROUNDS = 2


def loop(train: Split, val: Split, inputs: Callable[[np.ndarray], torch.Tensor], problem: Problem) -> None:
    """The loop of OpenFWI's `train.py`."""
    torch.manual_seed(0)
    network = build_network(problem)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

    def tensors(split: Split) -> tuple[torch.Tensor, torch.Tensor]:
        maps = problem.property.normalise(torch.from_numpy(np.asarray(split.properties)))
        return inputs(np.asarray(split.measurements)), maps

    data, labels = tensors(train)
    val_data, val_labels = tensors(val)
    for _ in range(EPOCHS):
        network.train()
        for rows in torch.randperm(len(data)).split(BATCH):
            if len(rows) < 2:
                continue
            optimizer.zero_grad()
            loss = torch.nn.functional.l1_loss(network(data[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            loss.item()
        network.eval()
        with torch.no_grad():
            for rows in torch.arange(len(val_data)).split(BATCH):
                torch.nn.functional.l1_loss(network(val_data[rows]), val_labels[rows]).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="salt")
    given = parser.parse_args()
    dataset = open_dataset(load_registry(), given.dataset, "quick")
    dataset.prepare()
    problem = dataset.problem
    train, val = (dataset.split(dataset.spec.schemes[0], part) for part in ("train", "val"))
    options = InversionNetOptions(epochs=EPOCHS, batch_size=BATCH)

    def ours(precision: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            chosen = options.model_copy(update={"precision": precision})
            InversionNet(problem, chosen, RunContext(workdir=Path(folder))).fit(train, val)

    with tempfile.TemporaryDirectory() as folder:
        encode = InversionNet(problem, options, RunContext(workdir=Path(folder))).encode
    ways = {
        "ours, auto": lambda: ours("auto"),
        "OpenFWI's loop": lambda: loop(train, val, encode, problem),
        "ours, float32": lambda: ours("float32"),
    }
    with Benchmark("training", f"{EPOCHS} epochs of InversionNet, batches of {BATCH}") as bench:
        bench.compare(given.dataset, ways, rounds=ROUNDS)


if __name__ == "__main__":
    main()
