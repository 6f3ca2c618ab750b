"""How samples of an added dataset are dealt out to train, val and test.

Invariant: a split depends on the description alone, and on the dataset's name only in descriptions of before.
"""

from __future__ import annotations

import numpy as np

from fwibench.datasets.splits import random_split
from fwibench.datasets.user.description import AddedDataset
from fwibench.errors import UsageError
from fwibench.seeds import derive_seed
from fwibench.typing import Indices

SHARE = 0.1
"""Part of the samples that val and test take where nothing is said."""
FEW = 2
"""So many samples or fewer are all test where nothing is said: there is nothing to train on."""


def deal(described: AddedDataset) -> dict[str, Indices]:
    """Return the sample numbers of each split, rising."""
    n, n_val, n_test = described.size, described.n_val, described.n_test
    seed = described.split_seed or described.name
    if described.split == "last":
        train, val, test = np.split(np.arange(n), [n - n_test - n_val, n - n_test])
        return {"train": train, "val": val, "test": test}
    if not described.test_numbers:
        return random_split(n, n_val, n_test, seed)
    test = np.sort(np.array(described.test_numbers))
    rest = np.setdiff1d(np.arange(n), test)
    order = rest[np.random.default_rng(derive_seed("split", seed, n)).permutation(len(rest))]
    return {"train": np.sort(order[n_val:]), "val": np.sort(order[:n_val]), "test": test}


def split_sizes(n: int, val: float | None, test: float | None, named: int = 0) -> tuple[int, int]:
    """Sizes of val and test.

    Args:
        n: Samples in all.
        val: A share below 1, or a number; None for a tenth, or none where all are test.
        test: The same of test; None for a tenth, or all where there are one or two samples.
        named: Test samples that the user names, instead of `test`.

    Returns:
        Both, which leave something to train on or take all.

    Raises:
        UsageError: They take more than there is, leave val empty beside train, or test itself.
    """
    for option, part in (("val", val), ("test", test)):
        if part is not None and not (0 <= part < 1 or (part >= 1 and part == int(part))):
            raise UsageError(f"--{option} is {part:g}, expected a share below 1 or a whole number", "such as 0.1 or 20")
    if named and test is not None:
        raise UsageError("--test and --test-numbers are both given", "leave one out")
    if not named and val is None and test is None and n <= FEW:
        return 0, n
    n_test = named or _count(SHARE if test is None else test, n)
    n_val = 0 if val is None and n_test == n else _count(SHARE if val is None else val, n)
    if not ((n_val == 0 and n_test == n) or (n_val >= 1 and n_test >= 1 and n_val + n_test < n)):
        raise UsageError(
            f"{n_val} val and {n_test} test samples of {n}; expected one each or more and some left to train on, "
            "or all of them in test",
            f"correct --val and --test; --val 0 --test {n} makes a dataset for methods that do not train",
        )
    return n_val, n_test


def read_numbers(text: str, n: int) -> tuple[int, ...]:
    """Sample numbers of `0,5,10:20` (20 left out), rising.

    Raises:
        UsageError: The text is none, or a number is not that of a sample.
    """
    found: set[int] = set()
    try:
        for part in text.split(","):
            first, _, end = part.partition(":")
            found |= set(range(int(first), int(end))) if end else {int(first)}
    except ValueError as error:
        raise UsageError(
            f"--test-numbers is '{text}', expected numbers such as 0,5,10:20", "10:20 is 10 to 19"
        ) from error
    if not found or min(found) < 0 or max(found) >= n:
        raise UsageError(
            f"--test-numbers is '{text}', expected numbers from 0 to {n - 1}",
            "samples count from 0, all files in a row",
        )
    return tuple(sorted(found))


def _count(part: float, n: int) -> int:
    return max(round(part * n), 1) if 0 < part < 1 else int(part)
