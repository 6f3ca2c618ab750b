"""Finding OpenFWI's shards in a folder, or in its lists of files.

Invariant: a measurement file is never taken without its property file, and no file is in train and in test.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from fwibench.datasets.openfwi.headers import Pair
from fwibench.datasets.openfwi.spec import Family
from fwibench.datasets.pairing import pair_by_numbers
from fwibench.errors import DataError, UsageError
from fwibench.text.quoting import select


class Official(NamedTuple):
    """Shards of OpenFWI's two splits, in their order."""

    train: tuple[Pair, ...]
    test: tuple[Pair, ...]


def find_shards(name: str, family: Family, path: Path, test: Path | None) -> Official:
    """Finds the shards of a family.

    Args:
        name: The family's name.
        family: Gives the names of its shards.
        path: The folder that holds them, side by side or in folders of its own (`data/`, `model/`);
            or OpenFWI's list of train files.
        test: The list of test files where `path` is a list.

    Raises:
        UsageError: `path` and `test` do not go together.
        DataError: A file is absent, stands twice, or a split is empty.
    """
    if path.is_dir():
        if test is not None:
            raise UsageError(f"path={path} is a folder, so test={test} has no use", "leave test out, or give two lists")
        return _in_folder(name, family, path)
    if test is None and path.is_file():
        raise UsageError(
            f"path={path} lists train files, and test is not given", select(name, {"path": str(path), "test": "LIST"})
        )
    found = Official(_listed(path), _listed(test) if test else ())
    if both := {pair.measurements.resolve() for pair in found.train} & {p.measurements.resolve() for p in found.test}:
        raise DataError(f"{min(both)} is listed in {path} and in {test}", "a shard belongs to one split only")
    return found


def _in_folder(name: str, family: Family, folder: Path) -> Official:
    places: dict[str, list[Path]] = defaultdict(list)
    for path in sorted((*folder.glob("*.npy"), *folder.glob("*/*.npy"))):
        places[path.name].append(path)

    def only(file: str) -> Path:
        first, *others = places[file]
        if others:
            raise DataError(f"{file} lies in {first.parent} and in {others[0].parent}", "point path at one family")
        return first

    found: dict[str, list[Pair]] = {"train": [], "test": []}
    for shard in family.shards():
        if shard.measurements not in places:
            continue
        if shard.properties not in places:
            raise DataError(
                f"{only(shard.measurements)} has no {shard.properties} beside it or in {folder / 'model'}",
                f"download {shard.properties} too, or take {shard.measurements} away",
            )
        found[shard.split].append(Pair(only(shard.measurements), only(shard.properties)))
    for split, pairs in found.items():
        if not pairs:
            names = [shard.measurements for shard in family.shards() if shard.split == split]
            others = f"; it holds {', '.join(sorted(places)[:3])}, ..." if places else ""
            raise DataError(
                f"{folder} has no {split} shard of {name}, expected some of {names[0]} to {names[-1]}{others}",
                "download one, or choose the files yourself by two lists: path=TRAIN.txt,test=TEST.txt",
            )
    return Official(tuple(found["train"]), tuple(found["test"]))


def _listed(path: Path) -> tuple[Pair, ...]:
    """Reads a list: a line is a measurement file, a tab, a property file; relative paths start at the list."""
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
                    "write the paths of your own machine into the list, or give the folder as path",
                )
        pairs.append(pair)
    if not pairs:
        raise DataError(f"{path} lists no file", "a line is MEASUREMENTS<tab>PROPERTIES")
    _check_order(path, pairs)
    return tuple(pairs)


def _check_order(path: Path, pairs: list[Pair]) -> None:
    """Raises `DataError` where a list pairs other files than their numbers do: its columns were sorted apart."""
    try:
        numbered, _ = pair_by_numbers([pair.measurements for pair in pairs], [pair.properties for pair in pairs])
    except DataError:
        return  # names without a common numbering: the list alone says what belongs together
    for pair, (_, properties) in zip(pairs, numbered, strict=True):
        if len(pairs) > 1 and pair.properties != properties:
            raise DataError(
                f"{path} pairs {pair.measurements.name} with {pair.properties.name}, but lists {properties.name} too",
                "sort both columns in the same order",
            )


def _partner(measurements: str) -> str:
    """The property file of a line that names only measurements, by OpenFWI's names."""
    path = Path(measurements)
    return str(path.with_name(path.name.replace("data", "model").replace("seis", "vel")))
