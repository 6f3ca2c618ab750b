"""SEG-Y files to `.npy` shards, since they cannot be read in place.

Invariant: shards are whole or absent, and nothing is written where the disk has too little room.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fwibench.datasets.readers import segy, segy_shots
from fwibench.datasets.readers.maps import reading
from fwibench.datasets.readers.segy_positions import FieldPlaces
from fwibench.datasets.readers.segy_shots import Stated
from fwibench.errors import DataError
from fwibench.files.atomic import atomic_write
from fwibench.text.readable import list_names
from fwibench.typing import Array32, Array64

LISTED = 3
"""Most names of files in a note."""


@dataclass(frozen=True)
class Converted:
    """Measurements that were converted.

    Attributes:
        files: Shards `(n, S, T, R)`, one for each SEG-Y file.
        step: Time step [s]; 0 where neither the files nor the user say it.
        places: Of each sample, in order; empty where the headers of any do not say.
        notes: What was used, assumed and left out.
    """

    files: list[Path]
    step: float
    places: tuple[FieldPlaces, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Sections:
    """Maps that were converted.

    Attributes:
        files: Shards `(1, Z, X)`, one for each SEG-Y file.
        columns: X and Y of the columns of each map [m], `(X, 2)`, or `(0, 2)` where the headers do not say.
        notes: What was used and assumed.
    """

    files: list[Path]
    columns: tuple[Array64, ...]
    notes: tuple[str, ...]


def convert_measurements(files: Sequence[Path], folder: Path, stated: Stated) -> Converted:
    """Convert shots to shards `(n, S, T, R)`.

    Args:
        files: SEG-Y files.
        folder: Receives `data0.npy` and so on.
        stated: What the user says; a file is one sample unless it states the shots of a sample.

    Raises:
        DataError: A file cannot be read, holds no whole number of samples, or has another time step.
    """
    shards, notes = [], Notes()
    steps: dict[float, Path] = {}
    places: list[FieldPlaces | None] = []
    for number, path in enumerate(files):
        with reading(path):
            found = segy_shots.read_shots(path, stated)
        shots = found.traces
        size = stated.sources or len(shots)
        if len(shots) % size:
            raise DataError(
                f"{path} holds {len(shots)} shots, expected a multiple of {size}",
                "correct --source-x, or say --shots-per-sample",
            )
        steps.setdefault(found.step, path)
        notes.add(path, found.notes)
        for first in range(0, len(shots), size):
            each = found.places
            rows = slice(first, first + size)
            places.append(each and FieldPlaces(each.sources[rows], each.receivers[rows], each.heights))
        shards.append(_save(folder / f"data{number}.npy", shots.reshape(-1, size, *shots.shape[1:])))
    if len(steps) > 1:
        listed = ", ".join(f"{step:g} s in {path.name}" for step, path in sorted(steps.items()))
        raise DataError(f"the files have different time steps: {listed}", "resample them to one time step")
    step = steps.popitem()[0]
    if stated.headers and stated.step is not None and step and abs(step - stated.step) > 1e-6:
        raise DataError(
            f"--dt is {stated.step:g} s, the files say {step:g} s",
            "leave --dt out; or say --no-headers as well if the headers are wrong",
        )
    there = tuple(one for one in places if one is not None)
    if there and len(there) < len(places):
        notes.add(None, [f"places in the headers are not used: {len(places) - len(there)} samples have none"])
        there = ()
    return Converted(shards, step, there, notes.lines(len(files)))


def convert_properties(files: Sequence[Path], folder: Path, spacing: float) -> Sections:
    """Convert sections to shards `(1, Z, X)`; traces are columns.

    Args:
        files: SEG-Y files.
        folder: Receives `model0.npy` and so on.
        spacing: Grid spacing [m], with which the depth interval of the headers is compared.

    Raises:
        DataError: A file cannot be read, or a column is marked as dead.
    """
    shards, columns, notes = [], [], Notes()
    for number, path in enumerate(files):
        with reading(path):
            section = segy.read_map(path)
        notes.add(path, [*section.notes, *_doubt_spacing(section.depth_step, spacing)])
        columns.append(section.places)
        shards.append(_save(folder / f"model{number}.npy", section.values[None]))
    return Sections(shards, tuple(columns), notes.lines(len(files)))


def _doubt_spacing(step: float, spacing: float) -> list[str]:
    """A line where a depth interval is in no unit the spacing; `step` is in metres if the header is in millimetres."""
    if not step or any(abs(step * unit - spacing) <= 0.01 * spacing for unit in (1, 10, 1000)):
        return []
    return [
        f"maps have a sample interval of {1000 * step:g} in their headers (byte 3217), {step:g} m if that is in mm; "
        f"--spacing is {spacing:g} m and is used"
    ]


class Notes:
    """Notes on files, each told once with the files it is about."""

    def __init__(self) -> None:
        self._files: dict[str, list[Path | None]] = {}

    def add(self, path: Path | None, lines: Iterable[str]) -> None:
        """Remember lines about a file, or about all files together (None)."""
        for line in lines:
            self._files.setdefault(line, []).append(path)

    def lines(self, files: int) -> tuple[str, ...]:
        """Return each line, with the names of its files unless it is about all of them."""
        return tuple(self._line(text, paths, files) for text, paths in self._files.items())

    def _line(self, text: str, paths: list[Path | None], files: int) -> str:
        names = [path.name for path in paths if path is not None]
        if not names or len(names) == files:
            return text
        return f"{list_names(names, LISTED)}: {text}"


def _save(path: Path, array: Array32) -> Path:
    with atomic_write(path) as stream:
        np.save(stream, np.ascontiguousarray(array, np.float32))
    return path.absolute()
