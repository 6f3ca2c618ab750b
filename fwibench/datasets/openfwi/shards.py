"""Shards of OpenFWI in a folder or in lists of files.

Invariant: a measurement file is never used without its property file, and no file is in train and in test.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fwibench.datasets.base import Shards
from fwibench.datasets.layouts import Expected, transposition
from fwibench.datasets.openfwi.spec import Family
from fwibench.datasets.pairing import pair_by_numbers
from fwibench.errors import DataError, UsageError
from fwibench.files.npy import open_array
from fwibench.problem import Problem
from fwibench.text.quoting import select


class Pair(NamedTuple):
    """Two files with the same samples, in the same order."""

    measurements: Path
    properties: Path


class OfficialShards(NamedTuple):
    """Shards of the two splits of OpenFWI, in order."""

    train: tuple[Pair, ...]
    test: tuple[Pair, ...]


def find_shards(name: str, family: Family, path: Path, test: Path | None) -> OfficialShards:
    """Find the shards of a family.

    Args:
        name: Name of the family.
        family: Family, with the names of its shards.
        path: Folder of the shards, which may be in subfolders (`data/`, `model/`); or the list of train files.
        test: List of test files if `path` is a list.

    Raises:
        UsageError: `path` and `test` do not go together.
        DataError: A file is absent or listed twice, or a split is empty.
    """
    if path.is_dir():
        if test is not None:
            raise UsageError(
                f"path={path} is a folder, so test={test} does not apply", "leave test out, or give two lists"
            )
        return _in_folder(name, family, path)
    if test is None and path.is_file():
        raise UsageError(
            f"path={path} lists train files, and test is not given", select(name, {"path": str(path), "test": "LIST"})
        )
    found = OfficialShards(_listed(path), _listed(test) if test else ())
    if both := {pair.measurements.resolve() for pair in found.train} & {p.measurements.resolve() for p in found.test}:
        raise DataError(f"{min(both)} is listed in {path} and in {test}", "a shard belongs to one split only")
    return found


def _in_folder(name: str, family: Family, folder: Path) -> OfficialShards:
    paths: dict[str, list[Path]] = defaultdict(list)
    for path in sorted((*folder.glob("*.npy"), *folder.glob("*/*.npy"))):
        paths[path.name].append(path)

    def only(file: str) -> Path:
        first, *others = paths[file]
        if others:
            raise DataError(
                f"{file} is in {first.parent} and in {others[0].parent}", "set path to the folder of one family"
            )
        return first

    found: dict[str, list[Pair]] = {"train": [], "test": []}
    for shard in family.shards():
        if shard.measurements not in paths:
            continue
        if shard.properties not in paths:
            raise DataError(
                f"{only(shard.measurements)} has no {shard.properties} beside it or in {folder / 'model'}",
                f"download {shard.properties} too, or remove {shard.measurements}",
            )
        found[shard.split].append(Pair(only(shard.measurements), only(shard.properties)))
    for split, pairs in found.items():
        if not pairs:
            names = [shard.measurements for shard in family.shards() if shard.split == split]
            others = f"; it holds {', '.join(sorted(paths)[:3])}, ..." if paths else ""
            raise DataError(
                f"{folder} has no {split} shard of {name}, expected some of {names[0]} to {names[-1]}{others}",
                "download one, or select the files by two lists: path=TRAIN.txt,test=TEST.txt",
            )
    return OfficialShards(tuple(found["train"]), tuple(found["test"]))


def _listed(path: Path) -> tuple[Pair, ...]:
    """Pairs of a list: a line is a measurement file, a tab, a property file; paths are relative to the list."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} cannot be read as a list of files: {error}", "a line is MEASUREMENTS<tab>PROPERTIES"
        ) from error
    pairs = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        first, _, second = (part.strip() for part in line.partition("\t"))
        second = second or _partner(first)
        pair = Pair(*(path.parent / os.path.expanduser(one) for one in (first, second)))
        for file in pair:
            if not file.is_file():
                raise DataError(
                    f"{path}, line {number}: {file} does not exist",
                    "write the paths of your machine into the list, or set path to the folder",
                )
        pairs.append(pair)
    if not pairs:
        raise DataError(f"{path} lists no file", "a line is MEASUREMENTS<tab>PROPERTIES")
    _check_order(path, pairs)
    return tuple(pairs)


def _check_order(path: Path, pairs: list[Pair]) -> None:
    """Raise `DataError` if a list pairs other files than the numbers in their names do."""
    try:
        numbered, _ = pair_by_numbers([pair.measurements for pair in pairs], [pair.properties for pair in pairs])
    except DataError:
        return  # names without a common numbering: only the list has the pairs
    for pair, (_, properties) in zip(pairs, numbered, strict=True):
        if len(pairs) > 1 and pair.properties != properties:
            raise DataError(
                f"{path} pairs {pair.measurements.name} with {pair.properties.name}, but lists {properties.name} too",
                "sort both columns in the same order",
            )


def _partner(measurements: str) -> str:
    """Property file of a line that names only measurements, by the naming of OpenFWI."""
    path = Path(measurements)
    return str(path.with_name(path.name.replace("data", "model").replace("seis", "vel")))


def _shape(path: Path) -> tuple[int, ...]:
    """Shape of a file of floating point numbers."""
    array = open_array(path)
    if array.dtype.kind != "f":
        raise DataError(
            f"{path} holds {array.dtype}, expected floating point numbers",
            "convert it once: numpy.save(path, array.astype('float32'))",
        )
    return array.shape


def read_headers(pairs: Sequence[Pair], problem: Problem) -> Shards:
    """Check the header of every file against the problem.

    Args:
        pairs: Files of `(n, S, T, R)` with files of `(n, 1, Z, X)`; an axis of length 1 may be missing.
        problem: Problem with the shapes.

    Returns:
        The files with their numbers of samples.

    Raises:
        DataError: A file cannot be opened, has another shape, or a pair differs in its number of samples.
    """
    counts = []
    for pair in pairs:
        n, other = (
            _count(path, _shape(path), shape)
            for path, shape in zip(pair, (problem.measurement_shape, problem.property_shape), strict=True)
        )
        if n != other:
            raise DataError(
                f"{pair.measurements} has {n} samples, {pair.properties} has {other}; expected the same number",
                "the two files do not belong together, or one was cut",
            )
        counts.append(n)
    return Shards(tuple(p.measurements for p in pairs), tuple(p.properties for p in pairs), tuple(counts))


def _count(path: Path, shape: tuple[int, ...], sample: tuple[int, ...]) -> int:
    """Number of samples in a file of that shape; `sample` is the shape of a sample."""
    accepted = [sample, sample[1:]] if sample[0] == 1 else [sample]
    if shape[1:] not in accepted:
        expected = " or ".join(f"({', '.join(('n', *map(str, one)))})" for one in accepted)
        raise DataError(f"{path} has shape {shape}, expected {expected}", _advice(shape, sample))
    if shape[0] == 0:
        raise DataError(f"{path} has no samples")
    return shape[0]


def _advice(shape: tuple[int, ...], sample: tuple[int, ...]) -> str:
    if shape == sample:
        return "a single sample needs a leading axis of length 1: array[None]"
    if order := transposition(shape, Expected((sample[0], sample[1], sample[2]))):
        return f"the axes are in another order: save array.transpose({order})"
    return "the first axis counts samples; the file may be another one, or of another survey"
