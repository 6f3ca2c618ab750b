"""Small arrays of a user, and the datasets made of them."""

from pathlib import Path

import numpy as np

from fwibench.datasets.base import Dataset
from fwibench.datasets.user.options import AddOptions, make_options
from fwibench.plugins.registry import load_registry
from fwibench.runs.opening.datasets import open_dataset

SHAPE = (2, 30, 8)
SECTION = (6, 10)


def fill(folder: Path, counts: tuple[int, ...] = (3, 4, 5), numbers: tuple[int, ...] = (1, 2, 10)) -> None:
    """Shards whose samples hold their number."""
    number = 0
    for k, n in zip(numbers, counts, strict=True):
        measured = np.random.default_rng(k).normal(size=(n, *SHAPE)).astype(np.float32)
        mapped = np.full((n, 1, *SECTION), 2000, np.float32)
        for i in range(n):
            measured[i, 0, 0, 0] = mapped[i, 0, 0, 0] = 1500 + number
            number += 1
        np.save(folder / f"data{k}.npy", measured)
        np.save(folder / f"model{k}.npy", mapped)


def add_options(**changes: object) -> AddOptions:
    usual = {
        "name": "mine",
        "measurements": "data*.npy",
        "properties": "model*.npy",
        "spacing": 10.0,
        "dt": 1e-3,
        "frequency": 15.0,
    }
    return make_options({**usual, **changes})


def opened(profile: str = "paper") -> Dataset:
    return open_dataset(load_registry(), "mine", profile)


def everything(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    parts = [dataset.split("random", name) for name in ("train", "val", "test")]
    return tuple(np.concatenate([getattr(part, side)[:] for part in parts]) for side in ("measurements", "properties"))
