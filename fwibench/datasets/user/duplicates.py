"""Samples that are in a dataset more than once.

Invariant: two maps count as the same only if every value is; measurements are read only where maps agree.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from fwibench.samples import ShardedArray
from fwibench.text.readable import counted
from fwibench.typing import Indices


def find_duplicates(properties: ShardedArray) -> list[tuple[int, ...]]:
    """Groups of samples whose maps are the same, each in the order of the samples."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for first, part in properties.chunks():
        for number, one in enumerate(part, first):
            groups[hashlib.sha256(one.tobytes()).digest()].append(number)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def describe_duplicates(
    groups: list[tuple[int, ...]], parts: Mapping[str, Indices], measurements: ShardedArray
) -> list[str]:
    """Notes on maps that are in the dataset more than once.

    Args:
        groups: Samples whose maps are the same.
        parts: Samples of each split, by its name.
        measurements: Of all samples.

    Returns:
        A warning where two splits share a map, a note where copies stay within one split.
    """
    if not groups:
        return []
    where = {int(number): name for name, numbers in parts.items() for number in numbers}
    shared = [pair for group in groups if (pair := _across(group, where)) is not None]
    if not shared:
        copies = sum(len(group) - 1 for group in groups)
        are = "map is a copy of another" if copies == 1 else "maps are copies of others"
        return [f"{copies} {are} of the same split: sample {groups[0][1]} of {groups[0][0]}"]
    a, b = shared[0]
    same = bool(np.array_equal(measurements[a], measurements[b]))
    return [
        f"warning: splits share samples: {where[a]} sample {a} and {where[b]} sample {b} have the same map"
        f"{' and the same measurement' if same else ''}; {counted(len(shared), 'map')} in all, and scores tell what "
        "was memorised"
    ]


def _across(group: tuple[int, ...], where: Mapping[int, str]) -> tuple[int, int] | None:
    """The first two of a group that are in different splits; None if all are in one."""
    first = group[0]
    other = next((one for one in group if where[one] != where[first]), None)
    return None if other is None else (first, other)
