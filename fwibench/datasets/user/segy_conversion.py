"""Conversion of SEG-Y files, which cannot be memory-mapped as samples, to `.npy` shards.

Invariant: shards are whole or absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fwibench.datasets.readers.maps import reading
from fwibench.datasets.readers.segy_map import read_map
from fwibench.datasets.readers.segy_positions import MapPositions
from fwibench.datasets.readers.segy_shots import TraceOptions, read_shots
from fwibench.datasets.user.file_pairs import Notes
from fwibench.errors import DataError
from fwibench.files.atomic import atomic_write
from fwibench.typing import Array32, Array64


@dataclass(frozen=True)
class ConvertedMeasurements:
    """Measurements that were converted.

    Attributes:
        files: Shards `(n, S, T, R)`, one for each SEG-Y file.
        step: Time step [s]; 0 where neither the files nor the user give it.
        positions: Positions of each sample, in order; empty where a sample has none in its headers.
        notes: Notes on what was used, assumed and left out.
    """

    files: list[Path]
    step: float
    positions: tuple[MapPositions, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ConvertedMaps:
    """Maps that were converted.

    Attributes:
        files: Shards `(1, Z, X)`, one for each SEG-Y file.
        columns: X and Y of the columns of each map [m], `(X, 2)`, or `(0, 2)` where the headers have none.
        notes: Notes on what was used and assumed.
    """

    files: list[Path]
    columns: tuple[Array64, ...]
    notes: tuple[str, ...]


def convert_measurements(files: Sequence[Path], folder: Path, given: TraceOptions) -> ConvertedMeasurements:
    """Convert shots to shards `(n, S, T, R)`.

    Args:
        files: SEG-Y files.
        folder: Folder that receives `data0.npy` and so on.
        given: Options of the user; a file is one sample unless the number of sources is given.

    Raises:
        DataError: A file cannot be read, does not hold a whole number of samples, or has another time step.
    """
    shards, notes = [], Notes()
    steps: dict[float, Path] = {}
    positions: list[MapPositions | None] = []
    for number, path in enumerate(files):
        with reading(path):
            found = read_shots(path, given)
        shots = found.traces
        size = given.sources or len(shots)
        if len(shots) % size:
            raise DataError(
                f"{path} holds {len(shots)} shots, expected a multiple of {size}",
                "correct --source-x, or give --shots-per-sample",
            )
        steps.setdefault(found.step, path)
        notes.add(path, found.notes)
        of_file = found.positions
        for first in range(0, len(shots), size):
            positions.append(None if of_file is None else of_file.of_shots(slice(first, first + size)))
        shards.append(_save(folder / f"data{number}.npy", shots.reshape(-1, size, *shots.shape[1:])))
    step = _common_step(steps, given)
    known = tuple(one for one in positions if one is not None)
    if known and len(known) < len(positions):
        notes.add(None, [f"positions in the headers are not used: {len(positions) - len(known)} samples have none"])
        known = ()
    return ConvertedMeasurements(shards, step, known, notes.lines(len(files)))


def _common_step(steps: dict[float, Path], given: TraceOptions) -> float:
    """Time step of all files, which must be that of the user where headers are used."""
    if len(steps) > 1:
        listed = ", ".join(f"{step:g} s in {path.name}" for step, path in sorted(steps.items()))
        raise DataError(f"the files have different time steps: {listed}", "resample them to one time step")
    (step,) = steps
    if given.headers and given.step is not None and step and abs(step - given.step) > 1e-6:
        raise DataError(
            f"--dt is {given.step:g} s, the files say {step:g} s",
            "leave --dt out; or give --no-headers as well if the headers are wrong",
        )
    return step


def convert_properties(files: Sequence[Path], folder: Path, spacing: float) -> ConvertedMaps:
    """Convert maps to shards `(1, Z, X)`; traces are columns.

    Args:
        files: SEG-Y files.
        folder: Folder that receives `model0.npy` and so on.
        spacing: Grid spacing [m], which the depth interval of the headers is compared with.

    Raises:
        DataError: A file cannot be read, or a column is marked as dead.
    """
    shards, columns, notes = [], [], Notes()
    for number, path in enumerate(files):
        with reading(path):
            found = read_map(path)
        notes.add(path, [*found.notes, *_doubt_spacing(found.depth_step, spacing)])
        columns.append(found.columns)
        shards.append(_save(folder / f"model{number}.npy", found.values[None]))
    return ConvertedMaps(shards, tuple(columns), notes.lines(len(files)))


def _doubt_spacing(step: float, spacing: float) -> list[str]:
    """A note if the depth interval is the spacing in no unit; `step` is in m if the header is in mm."""
    if not step or any(abs(step * unit - spacing) <= 0.01 * spacing for unit in (1, 10, 1000)):
        return []
    return [
        f"maps have a sample interval of {1000 * step:g} in their headers (byte 3217), {step:g} m if that is in mm; "
        f"--spacing is {spacing:g} m and is used"
    ]


def _save(path: Path, array: Array32) -> Path:
    with atomic_write(path) as stream:
        np.save(stream, np.ascontiguousarray(array, np.float32))
    return path.absolute()
