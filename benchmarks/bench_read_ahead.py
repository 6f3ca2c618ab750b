"""Training epochs with a thread that reads ahead against reading in the step.

Samples of OpenFWI's size lie in one shard. `cold` drops the shard from the page cache before each epoch, `warm` does
not. The step `elsewhere` waits as long as reading a batch takes and needs no core, like that of a GPU: there the gain
is largest, twice as fast at best. The step `here` is that of a network on one thread of the CPU.
"""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from measuring import Benchmark, drop_from_cache
from torch import nn

from fwibench.methods.convolutions import conv
from fwibench.methods.encoded_split import EncodedSplit
from fwibench.problem import Property
from fwibench.samples import ShardedArray, Split

SAMPLES, BATCH = 320, 32
MEASUREMENT, MAP = (5, 1000, 70), (1, 70, 70)
Step = Callable[[torch.Tensor, torch.Tensor], None]
PROPERTY = Property(name="velocity", unit="m/s", low=1500.0, high=4500.0)


def write_split(folder: Path) -> Split:
    rng = np.random.default_rng(0)
    arrays = []
    for name, shape, low in (("data", MEASUREMENT, 0.0), ("model", MAP, 1500.0)):
        path = folder / f"{name}.npy"
        shard = np.lib.format.open_memmap(path, "w+", dtype=np.float32, shape=(SAMPLES, *shape))
        for start in range(0, SAMPLES, BATCH):
            shard[start : start + BATCH] = low + rng.random((BATCH, *shape), dtype=np.float32)
        shard.flush()
        arrays.append(ShardedArray([path], [SAMPLES], shape, np.arange(SAMPLES)))
    return Split("train", tuple(map(str, range(SAMPLES))), *arrays)


def make_step() -> Step:
    layers = [nn.AvgPool2d((20, 2)), conv(5, 16, (3, 3), (2, 2)), conv(16, 16, (3, 3), (2, 2)), nn.Flatten()]
    network = nn.Sequential(*layers, nn.LazyLinear(70 * 70), nn.Unflatten(1, MAP))
    network(torch.zeros(2, *MEASUREMENT))
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def step(inputs: torch.Tensor, target: torch.Tensor) -> None:
        optimizer.zero_grad()
        nn.functional.l1_loss(network(inputs), target).backward()
        optimizer.step()

    return step


def epoch(split: Split, step: Step, order: list[np.ndarray], *, ahead: bool) -> float:
    """An epoch; returns its seconds."""
    # a new array maps the shard anew, so that a dropped page is read again
    arrays = (one.select(np.arange(SAMPLES)) for one in (split.measurements, split.properties))
    for array in (fresh := list(arrays)):
        array._maps = {}
    encoded = EncodedSplit(Split("train", split.ids, *fresh), torch.as_tensor, PROPERTY, torch.device("cpu"))
    start = time.perf_counter()
    for host in encoded.ahead(order) if ahead else map(encoded.fetch, order):
        step(*encoded.load(host))
    return time.perf_counter() - start


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    reading_ahead = Benchmark("read-ahead", "Epochs with a thread that reads ahead against reading in the step")
    with tempfile.TemporaryDirectory() as name, reading_ahead as bench:
        folder = Path(name)
        split = write_split(folder)
        for cache in ("cold", "warm"):

            def run(step: Step, *, ahead: bool, cache: str = cache) -> float:
                order = np.array_split(rng.permutation(SAMPLES), SAMPLES // BATCH)
                if cache == "cold":
                    drop_from_cache(folder)
                return epoch(split, step, order, ahead=ahead)

            reading = np.median([run(lambda *_: None, ahead=False) for _ in range(3)]) / (SAMPLES // BATCH)
            bench.note(f"reading a batch, {cache}", 1e3 * reading, "ms")
            steps = {"elsewhere": lambda *_, wait=reading: time.sleep(wait), "here": make_step()}
            for kind, step in steps.items():
                ways = {name: partial(run, step, ahead=name == "ahead") for name in ("ahead", "in the step")}
                bench.compare(f"an epoch, {cache}, step {kind}", ways)


if __name__ == "__main__":
    main()
