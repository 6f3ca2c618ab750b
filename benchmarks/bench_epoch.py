"""An epoch of training over shards larger than memory against reading the files at the disk's speed.

    python benchmarks/bench_epoch.py [--gb 4] [--folder FOLDER]

Samples have OpenFWI's size. The page cache is dropped before each epoch. The network is small, so that the epoch is one
of reading: batches are drawn at random from all shards, as in every training. The other way reads the files from begin
to end in large blocks, which no random order can beat.
"""

import argparse
import resource
import tempfile
from pathlib import Path

import numpy as np
import torch
from measuring import Benchmark, drop_from_cache

from fwibench.methods.batches import even_batches
from fwibench.methods.encoded_split import EncodedSplit
from fwibench.problem import Property
from fwibench.samples import ShardedArray, Split

MEASUREMENT, MAP, BATCH = (5, 1000, 70), (1, 70, 70), 64
PER_SHARD = 500
BLOCK = 2**24
PROPERTY = Property(name="velocity", unit="m/s", low=1500.0, high=4500.0)


def write_shards(folder: Path, shards: int) -> Split:
    rng, arrays = np.random.default_rng(0), []
    for name, shape, low in (("data", MEASUREMENT, 0.0), ("model", MAP, 1500.0)):
        paths = [folder / f"{name}{number}.npy" for number in range(shards)]
        part = low + rng.random((50, *shape), dtype=np.float32)
        for path in paths:
            shard = np.lib.format.open_memmap(path, "w+", dtype=np.float32, shape=(PER_SHARD, *shape))
            for start in range(0, PER_SHARD, len(part)):
                shard[start : start + len(part)] = part
            shard.flush()
            del shard
        count = shards * PER_SHARD
        arrays.append(ShardedArray(paths, [PER_SHARD] * shards, shape, np.arange(count)))
    return Split("train", tuple(map(str, range(count))), *arrays)


def train(split: Split, folder: Path) -> None:
    """One epoch."""
    drop_from_cache(folder)
    encoded = EncodedSplit(split, torch.as_tensor, PROPERTY, torch.device("cpu"))
    order = np.random.default_rng(0).permutation(len(split))
    weight = torch.zeros(MEASUREMENT[0], requires_grad=True)
    for host in encoded.ahead(even_batches(order, BATCH)):
        inputs, target = encoded.load(host)
        found = torch.einsum("nstr,s->ntr", inputs[:, :, ::20], weight).mean((1, 2)) - target.mean((1, 2, 3))
        found.square().mean().backward()


def read(folder: Path) -> None:
    """All files from begin to end."""
    drop_from_cache(folder)
    block = bytearray(BLOCK)
    for path in sorted(folder.iterdir()):
        with path.open("rb", buffering=0) as stream:
            while stream.readinto(block):
                pass


def anonymous_mb() -> float:
    """Memory of this process without mapped files, which the system can drop at any time [MB]."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=4.0, help="size of the shards; more than the memory tells most")
    parser.add_argument("--folder", type=Path, help="where the shards are written and removed")
    given = parser.parse_args()
    torch.set_num_threads(1)
    shards = max(round(given.gb * 1e9 / (4 * PER_SHARD * (np.prod(MEASUREMENT) + np.prod(MAP)))), 1)
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        split = write_shards(folder, shards)
        with Benchmark("epoch", f"An epoch over {given.gb:g} GB of shards, page cache dropped") as bench:
            bench.compare(
                "batches in random order",
                {"ours": lambda: train(split, folder), "files in order": lambda: read(folder)},
                rounds=1,
            )
            bench.note("memory of the process without mapped files", anonymous_mb(), "MB")
            bench.note(
                "largest resident size, mapped files included",
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "MB",
            )


if __name__ == "__main__":
    main()
