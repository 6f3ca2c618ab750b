"""From patterns of file names to pairs of files whose arrays belong together.

Invariant: only headers are read here; `.npy` files stay where they are.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fwibench.datasets.readers.maps import natural, reading
from fwibench.datasets.readers.wanted import Shape, check_numbers
from fwibench.errors import DataError, UsageError
from fwibench.npy import open_npy

SEGY = (".segy", ".sgy")
LAYOUTS = "measurements are (n, S, T, R) or (n, T, R), properties (n, 1, Z, X) or (n, Z, X), n samples a file"


@dataclass(frozen=True)
class Gathered:
    """Pairs of `.npy` files.

    Attributes:
        measurements: Files of measurements.
        properties: Files of properties, one for each of `measurements`.
        counts: Samples in each pair.
        measurement: Shape `(S, T, R)` of a measurement.
        section: Shape `(Z, X)` of a map.
    """

    measurements: tuple[Path, ...]
    properties: tuple[Path, ...]
    counts: tuple[int, ...]
    measurement: tuple[int, int, int]
    section: tuple[int, int]


def find(pattern: str, what: str) -> list[Path]:
    """Files that fit a pattern, in natural order: `data2` before `data10`.

    Raises:
        UsageError: Nothing fits, or files of different or unknown formats do.
    """
    found = [Path(name).absolute() for name in glob.glob(str(Path(pattern).expanduser()), recursive=True)]
    files = sorted((path for path in found if path.is_file()), key=natural)
    if not files:
        raise UsageError(
            f"no file fits --{what} '{pattern}' in {Path.cwd()}", "quote the pattern, as in 'folder/data*.npy'"
        )
    suffixes = {path.suffix.lower() for path in files}
    if suffixes != {".npy"} and not suffixes <= set(SEGY):
        raise UsageError(
            f"--{what} '{pattern}' finds {', '.join(sorted(suffixes))} files, expected .npy alone or SEG-Y alone",
            "narrow the pattern, or convert the files to .npy",
        )
    return files


def pair(measurements: Sequence[Path], properties: Sequence[Path]) -> Gathered:
    """Pairs `.npy` files in their order and checks that shapes and counts agree.

    Raises:
        DataError: They do not; names the files.
    """
    _check_names(measurements, properties)
    found = [(u, c, *_match(u, _shape(u), c, _shape(c))) for u, c in zip(measurements, properties, strict=True)]
    first = found[0]
    for u, c, _, measurement, section in found:
        if (measurement, section) != first[3:]:
            raise DataError(
                f"{u} and {c} hold samples of {measurement} and {section}, {first[0]} and {first[1]} of {first[3]} and "
                f"{first[4]}; expected the same in all files",
                "add them as datasets of their own",
            )
    return Gathered(tuple(measurements), tuple(properties), tuple(one[2] for one in found), first[3], first[4])


def _check_names(measurements: Sequence[Path], properties: Sequence[Path]) -> None:
    if len(measurements) != len(properties):
        raise DataError(
            f"{len(measurements)} files of measurements ({measurements[0].name} to {measurements[-1].name}), "
            f"{len(properties)} of properties ({properties[0].name} to {properties[-1].name}), expected equally many",
            "narrow the patterns",
        )
    if both := sorted(set(measurements) & set(properties)):
        raise DataError(f"{both[0]} is among measurements and properties", "narrow the patterns")
    for u, c in zip(measurements, properties, strict=True):
        numbers = [re.findall(r"\d+", path.stem)[-1:] for path in (u, c)]
        if all(numbers) and len({int(number[0]) for number in numbers}) > 1:
            raise DataError(
                f"{u.name} would be paired with {c.name}; their numbers differ", "rename or remove what has no partner"
            )


def _shape(path: Path) -> Shape:
    with reading(path):
        array = open_npy(path)
    check_numbers(path, array.dtype)
    return array.shape


def _match(u: Path, measured: Shape, c: Path, mapped: Shape) -> tuple[int, tuple[int, int, int], tuple[int, int]]:
    """Samples in a pair of files, and the shapes of both sides of a sample."""
    if len(mapped) not in (2, 3, 4) or (len(mapped) == 4 and mapped[1] != 1):
        raise DataError(f"{c}: shape {mapped} found, expected (n, 1, Z, X), (n, Z, X) or (Z, X)", LAYOUTS)
    if len(measured) not in (3, 4):
        raise DataError(f"{u}: shape {measured} found, expected (n, S, T, R), (n, T, R) or (S, T, R)", LAYOUTS)
    n = 1 if len(mapped) == 2 else mapped[0]
    if len(measured) == 3:
        measured = (1, *measured) if n == 1 else (measured[0], 1, *measured[1:])
    if measured[0] != n:
        raise DataError(f"{u} holds {measured[0]} samples, {c} holds {n}; expected equally many", LAYOUTS)
    if 0 in (*measured, *mapped):
        raise DataError(f"{u} or {c} is empty: shapes {measured} and {mapped}", LAYOUTS)
    return n, (measured[1], measured[2], measured[3]), (mapped[-2], mapped[-1])
