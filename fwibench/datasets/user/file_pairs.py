"""Pairs of measurement and property files whose shapes agree.

Invariant: only headers are read; `.npy` files stay where they are.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fwibench.datasets.layouts import Expected, complex_advice, read_layout
from fwibench.datasets.readers.expected import check_numbers
from fwibench.datasets.readers.maps import natural_order
from fwibench.datasets.readers.segy_headers import SUFFIXES
from fwibench.errors import DataError, UsageError
from fwibench.files.npy import open_array
from fwibench.text.readable import list_names

LAYOUTS = (
    "measurements are (n, S, T, R), (n, T, R) for one source or (S, T, R) for one sample; properties are (n, 1, Z, X), "
    "(n, Z, X) or (Z, X) for one sample; n samples a file"
)
LISTED = 3
"""Most names of files in a note."""


@dataclass(frozen=True)
class FilePairs:
    """Pairs of `.npy` files.

    Attributes:
        measurements: Files of measurements.
        properties: Files of properties, one for each of `measurements`.
        counts: Number of samples in each pair.
        measurement: Shape `(S, T, R)` of a measurement.
        section: Shape `(Z, X)` of a map.
        notes: Notes on shapes that leave out axes.
    """

    measurements: tuple[Path, ...]
    properties: tuple[Path, ...]
    counts: tuple[int, ...]
    measurement: tuple[int, int, int]
    section: tuple[int, int]
    notes: tuple[str, ...] = ()


class Notes:
    """Notes on files; equal notes on several files become one that names them."""

    def __init__(self) -> None:
        self._files: dict[str, list[Path | None]] = {}

    def add(self, path: Path | None, lines: Iterable[str]) -> None:
        """Add lines about a file, or about all files together (None)."""
        for line in lines:
            self._files.setdefault(line, []).append(path)

    def lines(self, files: int) -> tuple[str, ...]:
        """Return each line, with the names of its files unless it is about all of them."""
        return tuple(self._line(text, paths, files) for text, paths in self._files.items())

    def _line(self, text: str, paths: list[Path | None], files: int) -> str:
        names = [path.name for path in paths if path is not None]
        return text if not names or len(names) == files else f"{list_names(names, LISTED)}: {text}"


def find_files(pattern: str, what: str) -> list[Path]:
    """Return the files that match a pattern, in natural order: `data2` before `data10`.

    Args:
        pattern: Pattern of file names, such as `folder/data*.npy`.
        what: `measurements` or `properties`, for messages.

    Raises:
        UsageError: No file matches, or files of different or unknown formats do.
    """
    found = [Path(name).absolute() for name in glob.glob(str(Path(pattern).expanduser()), recursive=True)]
    files = sorted((path for path in found if path.is_file()), key=natural_order)
    if not files:
        raise UsageError(
            f"no file fits --{what} '{pattern}' in {Path.cwd()}", "quote the pattern, as in 'folder/data*.npy'"
        )
    suffixes = {path.suffix.lower() for path in files}
    if suffixes != {".npy"} and not suffixes <= set(SUFFIXES):
        raise UsageError(
            f"--{what} '{pattern}' finds {', '.join(sorted(suffixes))} files, expected .npy alone or SEG-Y alone",
            "narrow the pattern, or convert the files to .npy",
        )
    return files


def match_shapes(
    measurements: Sequence[Path],
    properties: Sequence[Path],
    expected: Expected | None = None,
    shown: Mapping[Path, Path] | None = None,
) -> FilePairs:
    """Check that shapes and numbers of samples of paired `.npy` files agree.

    Args:
        measurements: Files of measurements.
        properties: File of properties of each.
        expected: Sizes of the measurements that the user gives.
        shown: Original names of files that were converted, for messages.

    Raises:
        DataError: They do not agree; names the files.
        ProblemError: The axes of measurements differ from the expected ones.
    """
    expected = expected or Expected((None, None, None))
    names = {path: path for path in (*measurements, *properties)} | dict(shown or {})
    found = [
        (names[u], names[c], *_match(u, c, names, expected)) for u, c in zip(measurements, properties, strict=True)
    ]
    first = found[0]
    for u, c, _, measurement, section, _ in found:
        if (measurement, section) != first[3:5]:
            raise DataError(
                f"{u} and {c} hold samples of {measurement} and {section}, {first[0]} and {first[1]} of {first[3]} and "
                f"{first[4]}; expected the same in all files",
                "add them as separate datasets",
            )
    notes = Notes()
    for u, *_, note in found:
        notes.add(u, [note] if note else [])
    counts = tuple(one[2] for one in found)
    return FilePairs(tuple(measurements), tuple(properties), counts, first[3], first[4], notes.lines(len(found)))


def _match(
    u: Path, c: Path, names: Mapping[Path, Path], expected: Expected
) -> tuple[int, tuple[int, int, int], tuple[int, int], str]:
    """Samples in a pair of files, shapes of a measurement and of a map, and a note on axes that are left out."""
    measured, mapped = open_array(u), open_array(c)
    check_numbers(names[c], mapped.dtype)
    if mapped.ndim not in (2, 3, 4) or (mapped.ndim == 4 and mapped.shape[1] != 1):
        raise DataError(f"{names[c]}: shape {mapped.shape} found, expected (n, 1, Z, X), (n, Z, X) or (Z, X)", LAYOUTS)
    if 0 in mapped.shape:
        raise DataError(f"{names[c]} is empty: shape {mapped.shape}", LAYOUTS)
    if measured.dtype.kind == "c":
        raise DataError(
            f"{names[u]}: values of type {measured.dtype} found, expected real numbers",
            complex_advice(measured.ndim, expected),
        )
    check_numbers(names[u], measured.dtype)
    n = 1 if mapped.ndim == 2 else len(mapped)
    if measured.ndim == 4 and len(measured) != n:
        raise DataError(
            f"{names[u]} holds {len(measured)} samples, {names[c]} holds {n}; expected equally many",
            LAYOUTS,
        )
    layout = read_layout(str(names[u]), measured.shape, replace(expected, samples=n))
    note = f"{layout.note}; {names[c].name} has {n} map{'s' * (n > 1)}" if layout.note else ""
    return n, (layout.shape[1], layout.shape[2], layout.shape[3]), (mapped.shape[-2], mapped.shape[-1]), note
