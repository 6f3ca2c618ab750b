"""Maps that are in a dataset more than once.

Invariant: two maps are duplicates only if all values are equal; measurements are read only where maps are equal.
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
    """Return groups of samples with equal maps, each in the order of the samples."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for first, part in properties.chunks():
        for number, one in enumerate(part, first):
            groups[hashlib.sha256(one.tobytes()).digest()].append(number)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def describe_duplicates(
    groups: list[tuple[int, ...]], parts: Mapping[str, Indices], measurements: ShardedArray
) -> list[str]:
    """Describe maps that are in the dataset more than once.

    Args:
        groups: Groups of samples with equal maps.
        parts: Sample numbers of each split.
        measurements: Measurements of all samples.

    Returns:
        A warning if two splits share a map, a note if duplicates are in one split.
    """
    if not groups:
        return []
    split_of = {int(number): name for name, numbers in parts.items() for number in numbers}
    shared = [pair for group in groups if (pair := _across(group, split_of)) is not None]
    if not shared:
        copies = sum(len(group) - 1 for group in groups)
        are = "map is a copy of another" if copies == 1 else "maps are copies of others"
        return [f"{copies} {are} of the same split: sample {groups[0][1]} of {groups[0][0]}"]
    a, b = shared[0]
    same = bool(np.array_equal(measurements[a], measurements[b]))
    return [
        f"warning: splits share samples: {split_of[a]} sample {a} and {split_of[b]} sample {b} have the same map"
        f"{' and the same measurement' if same else ''}; {counted(len(shared), 'map')} in all, so scores reward "
        "memorising"
    ]


def _across(group: tuple[int, ...], split_of: Mapping[int, str]) -> tuple[int, int] | None:
    """First two samples of a group that are in different splits; None if all are in one."""
    first = group[0]
    other = next((one for one in group if split_of[one] != split_of[first]), None)
    return None if other is None else (first, other)
