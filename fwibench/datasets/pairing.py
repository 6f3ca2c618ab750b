"""Pairs of measurement and property files by the numbers in their names.

Invariant: files are paired by equal numbers or not at all; the order of files is used only if there is one of each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from fwibench.errors import DataError
from fwibench.text.readable import list_names

Numbers = tuple[int, ...]
LISTED = 5
"""Most files that a message lists."""
RULE = "files are paired by the numbers in their names: shot1.npy with vp1.npy, run2_shot07.npy with run2_vp07.npy"


class Name(NamedTuple):
    """Numbers in the name of a file.

    Attributes:
        numbers: All numbers, from left to right.
        labels: The letters in front of each number, in lower case.
    """

    numbers: Numbers
    labels: tuple[str, ...]


def pair_by_numbers(
    measurements: Sequence[Path], properties: Sequence[Path]
) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Pair each measurement file with the property file that has the same numbers in its name.

    Numbers that are the same in all names of a side, such as a year, do not count: what is compared is the tuple of
    the numbers that vary. Names include the folders below the deepest one that all files of a side share.

    Args:
        measurements: Files of measurements.
        properties: Files of properties.

    Returns:
        Pairs in the order of `measurements`, and notes on assumptions.

    Raises:
        DataError: A file has no partner, two files of a side have the same numbers, or names have no numbers that
            tell them apart; names the files.
    """
    if not measurements or not properties:
        raise DataError(f"{len(measurements)} files of measurements and {len(properties)} of properties", RULE)
    if both := sorted(set(measurements) & set(properties)):
        raise DataError(f"{both[0]} is among measurements and properties", "narrow the patterns")
    if len(measurements) == len(properties) == 1:
        return [(measurements[0], properties[0])], _note_on_one_each(measurements[0], properties[0])
    names = _names(measurements), _names(properties)
    candidates = [keys for keys in _keys(*names) if all(len(set(side)) == len(side) for side in keys)]
    if not candidates:
        raise _indistinct((measurements, properties), names)
    keys = max(candidates, key=lambda one: len(set(one[0]) & set(one[1])))
    by_key = dict(zip(keys[1], properties, strict=True))
    unpaired = [path for path, key in zip(measurements, keys[0], strict=True) if key not in by_key]
    unpaired += [path for path, key in zip(properties, keys[1], strict=True) if key not in set(keys[0])]
    if unpaired:
        raise DataError(
            f"{len(measurements)} files of measurements and {len(properties)} of properties: no partner for "
            f"{_listed(unpaired)}",
            f"add what is missing, or narrow the patterns; {RULE}"
            + ("; all shots of a sample lie in one file" if len(properties) == 1 else ""),
        )
    return [(path, by_key[key]) for path, key in zip(measurements, keys[0], strict=True)], []


def _names(files: Sequence[Path]) -> list[Name]:
    root = os.path.commonpath([path.absolute().parent for path in files])
    names = []
    for path in files:
        # without the suffix: the 5 of .h5 is not a number of the file
        text = str(path.absolute().with_suffix("").relative_to(root)).lower()
        found = re.findall(r"([^\W\d_]*)[\W_]*([0-9]+)", text)
        names.append(Name(tuple(int(number) for _, number in found), tuple(label for label, _ in found)))
    return names


def _keys(measurements: list[Name], properties: list[Name]) -> Iterable[tuple[list[Numbers], list[Numbers]]]:
    """Ways to compare the names of both sides, the most specific first; each gives a tuple of numbers for each file."""
    lengths = [{len(name.numbers) for name in side} for side in (measurements, properties)]
    sides = measurements, properties
    if all(len(one) == 1 for one in lengths):
        varying = [_varying(side) for side in sides]
        if len(varying[0]) == len(varying[1]):
            aligned = _align(measurements[0], varying[0], properties[0], varying[1])
            yield _chosen(measurements, varying[0]), _chosen(properties, aligned)
        if lengths[0] == lengths[1]:
            # a number may vary on one side only if files are missing on the other
            either = sorted(
                index
                for index in range(len(measurements[0].numbers))
                if any(len({name.numbers[index] for name in side}) > 1 for side in sides)
            )
            yield _chosen(measurements, either), _chosen(properties, either)
    yield [name.numbers for name in measurements], [name.numbers for name in properties]


def _varying(names: list[Name]) -> list[int]:
    """Indices of the numbers that differ between names; of two that are always equal, the first."""
    columns = list(zip(*(name.numbers for name in names), strict=True))
    return [i for i, column in enumerate(columns) if len(set(column)) > 1 and column not in columns[:i]]


def _align(left: Name, indices: list[int], right: Name, others: list[int]) -> list[int]:
    """Indices of the right name in the order of the left one, if the letters before the numbers are the same."""
    labels = [left.labels[i] for i in indices]
    found = {right.labels[i]: i for i in others}
    same = len(set(labels)) == len(labels) and set(found) == set(labels)
    return [found[label] for label in labels] if same else others


def _chosen(names: list[Name], indices: list[int]) -> list[Numbers]:
    return [tuple(name.numbers[i] for i in indices) for name in names]


def _indistinct(sides: tuple[Sequence[Path], ...], names: tuple[list[Name], ...]) -> DataError:
    """Error for files without numbers, or with equal ones."""
    for files, side in zip(sides, names, strict=True):
        lacking = [path for path, name in zip(files, side, strict=True) if not name.numbers]
        if lacking and len(files) > 1:
            return DataError(f"no number in the name of {_listed(lacking)}, so no partner is known", RULE)
    for files, side in zip(sides, names, strict=True):
        seen: dict[Numbers, Path] = {}
        for path, name in zip(files, side, strict=True):
            if (first := seen.setdefault(name.numbers, path)) is not path:
                return DataError(f"{first} and {path} have the same numbers, so their partners are not known", RULE)
    counts = " and ".join(str(len(files)) for files in sides)
    return DataError(f"the numbers in the names of {counts} files do not tell them apart", RULE)


def _note_on_one_each(measurement: Path, property_: Path) -> list[str]:
    (left,), (right,) = _names([measurement]), _names([property_])
    if left.numbers[-1:] == right.numbers[-1:] or not (left.numbers and right.numbers):
        return []
    return [f"{measurement.name} is paired with {property_.name}, one file each, though their numbers differ"]


def _listed(files: Sequence[Path]) -> str:
    return list_names([path.name for path in files], LISTED)
