"""Split of an added dataset into train, val and test.

Invariant: a split depends on the description only; on the name of the dataset only in descriptions of early versions.
"""

from __future__ import annotations

import numpy as np

from fwibench.datasets.splits import random_split
from fwibench.datasets.user.description import Description
from fwibench.errors import UsageError
from fwibench.seeds import derive_seed
from fwibench.text.readable import counted
from fwibench.typing import Indices

SHARE = 0.1
"""Share of the samples in val and in test by default."""
FEW = 2
"""Up to this number, all samples are test by default: there is nothing to train on."""


def split_samples(described: Description) -> dict[str, Indices]:
    """Return the sorted sample numbers of each split."""
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


def shared_groups(described: Description) -> list[str]:
    """Return a note if groups have samples in test and in train or val; none otherwise."""
    parts = split_samples(described)
    seen, held_out = (
        {described.groups[i] for name in names for i in parts[name]} if described.groups else set()
        for names in (("train", "val"), ("test",))
    )
    both = counted(len(seen & held_out), "group")
    advice = "scores are too good; --split last or --test-numbers keeps groups together"
    return [f"{both} with samples in test and in train or val: {advice}"] if seen & held_out else []


def split_sizes(n: int, val: float | None, test: float | None, named: int = 0) -> tuple[int, int]:
    """Return the sizes of val and test.

    Args:
        n: Number of samples.
        val: A share below 1, or a number; None for a tenth, or for none where all are test.
        test: A share below 1, or a number; None for a tenth, or for all of one or two samples.
        named: Number of test samples that the user names, instead of `test`.

    Raises:
        UsageError: The sizes exceed the samples, or leave train, val or test empty without taking all for test.
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


def _count(part: float, n: int) -> int:
    return max(round(part * n), 1) if 0 < part < 1 else int(part)
