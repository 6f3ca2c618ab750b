"""From patterns of file names to pairs of files whose arrays belong together.

Invariant: only headers are read here; `.npy` files stay where they are.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fwibench.datasets.layouts import Expected, complex_advice, read_layout
from fwibench.datasets.readers.expected import check_numbers
from fwibench.datasets.readers.maps import natural
from fwibench.datasets.readers.segy_headers import SUFFIXES
from fwibench.datasets.user.segy_conversion import Notes
from fwibench.errors import DataError, UsageError
from fwibench.files.npy import open_array

LAYOUTS = (
    "measurements are (n, S, T, R), (n, T, R) for one source or (S, T, R) for one sample; properties are (n, 1, Z, X), "
    "(n, Z, X) or (Z, X) for one sample; n samples a file"
)


@dataclass(frozen=True)
class Gathered:
    """Pairs of `.npy` files.

    Attributes:
        measurements: Files of measurements.
        properties: Files of properties, one for each of `measurements`.
        counts: Samples in each pair.
        measurement: Shape `(S, T, R)` of a measurement.
        section: Shape `(Z, X)` of a map.
        notes: How shapes were understood.
    """

    measurements: tuple[Path, ...]
    properties: tuple[Path, ...]
    counts: tuple[int, ...]
    measurement: tuple[int, int, int]
    section: tuple[int, int]
    notes: tuple[str, ...] = ()


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
    if suffixes != {".npy"} and not suffixes <= set(SUFFIXES):
        raise UsageError(
            f"--{what} '{pattern}' finds {', '.join(sorted(suffixes))} files, expected .npy alone or SEG-Y alone",
            "narrow the pattern, or convert the files to .npy",
        )
    return files


def pair(
    measurements: Sequence[Path],
    properties: Sequence[Path],
    expected: Expected | None = None,
    shown: Mapping[Path, Path] | None = None,
) -> Gathered:
    """Check that the shapes and counts of `.npy` files that belong together agree.

    Args:
        measurements: Files of measurements.
        properties: File of properties of each.
        expected: What the user says about the shape of the measurements.
        shown: Names for messages of files that were converted.

    Raises:
        DataError: They do not; names the files.
        ProblemError: The axes of measurements cannot be those that are expected.
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
                "add them as datasets of their own",
            )
    notes = Notes()
    for u, *_, note in found:
        notes.add(u, [note] if note else [])
    return Gathered(
        tuple(measurements),
        tuple(properties),
        tuple(one[2] for one in found),
        first[3],
        first[4],
        notes.lines(len(found)),
    )


def _match(
    u: Path, c: Path, names: Mapping[Path, Path], expected: Expected
) -> tuple[int, tuple[int, int, int], tuple[int, int], str]:
    """Samples in a pair of files, the shapes of both sides of a sample, and how they were understood."""
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
    why = f"{layout.note}; {names[c].name} has {n} map{'s' * (n > 1)}" if layout.note else ""
    return n, (layout.shape[1], layout.shape[2], layout.shape[3]), (mapped.shape[-2], mapped.shape[-1]), why
