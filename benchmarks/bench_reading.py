"""Reading one random sample of a shard of OpenFWI's size: memory-mapped against loading the whole shard.

OpenFWI's loader calls `np.load` on the shard of every sample it is asked for. Both ways read from a warm page cache,
which favours loading; from a disk the whole shard also has to come over the wire.
"""

import tempfile
from pathlib import Path

import numpy as np
from measuring import Benchmark, relative

from fwibench.samples import ShardedArray

SHAPE = (500, 5, 1000, 70)
SAMPLES = 4
"""Samples that each call reads, of different places in the shard."""


def write_shard(path: Path) -> None:
    shard = np.lib.format.open_memmap(path, "w+", dtype=np.float32, shape=SHAPE)
    rng = np.random.default_rng(0)
    for start in range(0, len(shard), 50):
        shard[start : start + 50] = rng.standard_normal((50, *SHAPE[1:]), dtype=np.float32)
    shard.flush()


def main() -> None:
    numbers = [int(i) for i in np.random.default_rng(1).choice(SHAPE[0], SAMPLES, replace=False)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data1.npy"
        write_shard(path)
        mapped = ShardedArray([path], [SHAPE[0]], SHAPE[1:], np.arange(SHAPE[0]))
        ways = {
            "memory-mapped": lambda: np.stack([mapped[number] for number in numbers]),
            "whole shards": lambda: np.stack([np.load(path)[number] for number in numbers]),
        }
        with Benchmark("reading", "Random samples of a shard of OpenFWI's size") as bench:
            bench.compare(f"{SAMPLES} samples", ways, difference=relative)


if __name__ == "__main__":
    main()
