"""Reading one random sample of a shard of OpenFWI's size: memory-mapped against loading the whole shard.

OpenFWI's loader calls `np.load` on the shard of every sample it is asked for. Both ways read from a warm page cache,
which favours loading; from a disk the whole shard also has to come over the wire.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fwibench.samples import ShardedArray

SHAPE = (500, 5, 1000, 70)
ROUNDS = 5
SAMPLES = 100


def seconds(read: Callable[[int], object], numbers: list[int]) -> float:
    """Time of reading one sample."""
    start = time.perf_counter()
    for number in numbers:
        read(number)
    return (time.perf_counter() - start) / len(numbers)


def write_shard(path: Path) -> None:
    shard = np.lib.format.open_memmap(path, "w+", dtype=np.float32, shape=SHAPE)
    rng = np.random.default_rng(0)
    for start in range(0, len(shard), 50):
        shard[start : start + 50] = rng.standard_normal((50, *SHAPE[1:]), dtype=np.float32)
    shard.flush()


def main() -> None:
    numbers = [int(i) for i in np.random.default_rng(1).permutation(SHAPE[0])]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data1.npy"
        write_shard(path)
        ours = ShardedArray([path], [SHAPE[0]], SHAPE[1:], np.arange(SHAPE[0]))
        np.testing.assert_array_equal(ours[numbers[0]], np.load(path)[numbers[0]])
        loaded, mapped = [], []
        for turn in range(ROUNDS):
            chosen = numbers[turn * SAMPLES : (turn + 1) * SAMPLES]
            loaded.append(seconds(lambda number: np.load(path)[number].copy(), chosen[:1]))
            mapped.append(seconds(lambda number: ours[number], chosen))
    ratios = np.divide(loaded, mapped)
    print(f"whole shard {1e3 * min(loaded):.0f} ms, memory-mapped {1e3 * min(mapped):.2f} ms a sample")
    print(f"ratio: median {np.median(ratios):.0f}, from {ratios.min():.0f} to {ratios.max():.0f} over {ROUNDS} rounds")


if __name__ == "__main__":
    main()
