"""Splits of samples into train, val and test.

Invariant: train, val and test never share a sample, and a split depends on its arguments only.
"""

from __future__ import annotations

import numpy as np

from fwibench.seeds import derive_seed
from fwibench.typing import Indices

SPLITS = ("train", "val", "test")


def random_split(n: int, n_val: int, n_test: int, name: str) -> dict[str, Indices]:
    """Shuffle samples and split them.

    Args:
        n: Number of samples.
        n_val: Size of `val`.
        n_test: Size of `test`; the rest is `train`.
        name: Name of the dataset, which seeds the shuffle.
    """
    order = np.random.default_rng(derive_seed("split", name, n)).permutation(n)
    test, val, train = np.split(order, [n_test, n_test + n_val])
    return {"train": np.sort(train), "val": np.sort(val), "test": np.sort(test)}


def block_split(n: int, n_val: int, n_test: int, gap: int) -> dict[str, Indices]:
    """Hold out contiguous runs: `val` around the first quarter of the sequence, `test` around the third.

    Neighbouring slices of a volume are nearly equal. `gap` slices on both sides of a held-out run belong to no split,
    so the nearest training slice is more than `gap` slices away.

    Args:
        n: Number of samples, in their order along the volume.
        n_val: Size of `val`.
        n_test: Size of `test`.
        gap: Slices left out on each side of a run.
    """
    val = np.arange(n_val) + n // 4 - n_val // 2
    test = np.arange(n_test) + 3 * n // 4 - n_test // 2
    away = np.ones(n, bool)
    for run in (val, test):
        away[max(run[0] - gap, 0) : run[-1] + gap + 1] = False
    return {"train": np.flatnonzero(away), "val": val, "test": test}


def first_of_run(members: Indices, numbers: Indices) -> Indices:
    """Return the first number of the run of consecutive members that each number belongs to.

    Args:
        members: Sample numbers in rising order.
        numbers: Some of them.
    """
    firsts = members[np.diff(members, prepend=members[0] - 2) > 1]
    return firsts[np.searchsorted(firsts, numbers, side="right") - 1]
