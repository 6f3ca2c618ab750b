"""SEG-Y files to `.npy` shards, since they cannot be read in place.

Invariant: shards are whole or absent, and nothing is written where the disk has too little room.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.readers import segy
from fwibench.datasets.readers.maps import reading
from fwibench.datasets.readers.wanted import Wanted
from fwibench.errors import DataError
from fwibench.files import atomic_write

MARGIN = 1.05


def check_room(files: Sequence[Path], folder: Path) -> None:
    """Raises `DataError` where `folder` has no room for what the files hold."""
    folder.mkdir(parents=True, exist_ok=True)
    needed, free = MARGIN * sum(path.stat().st_size for path in files), shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"converting needs {needed / 1e9:.2f} GB in {folder}, {free / 1e9:.2f} GB are free",
            "make room, or point FWIBENCH_DATA at a larger disk",
        )


def convert_measurements(files: Sequence[Path], folder: Path, sources: int | None) -> tuple[list[Path], float]:
    """Shots to shards `(n, S, T, R)`.

    Args:
        files: SEG-Y files; a shot is the traces with the same field record number.
        folder: Receives `data0.npy` and so on.
        sources: Shots of a sample; None if each file is one sample.

    Returns:
        The shards, and the time step of the files [s]; 0 where they do not say.
    """
    shards, steps = [], set()
    for number, path in enumerate(files):
        with reading(path):
            shots, step = segy.read_shots(path)
        size = sources or len(shots)
        if len(shots) % size:
            raise DataError(f"{path} holds {len(shots)} shots, expected a multiple of {size}", "correct --source-x")
        steps.add(step)
        shards.append(_save(folder / f"data{number}.npy", shots.reshape(-1, size, *shots.shape[1:])))
    if len(steps) > 1:
        raise DataError(f"the files have time steps of {', '.join(f'{s:g} s' for s in sorted(steps))}", "resample them")
    return shards, steps.pop()


def convert_properties(files: Sequence[Path], folder: Path) -> list[Path]:
    """Sections to shards `(1, Z, X)`; traces are columns."""
    shards = []
    for number, path in enumerate(files):
        with reading(path):
            section = segy.load(path, Wanted())
        shards.append(_save(folder / f"model{number}.npy", section[None]))
    return shards


def _save(path: Path, array: NDArray[np.float32]) -> Path:
    with atomic_write(path) as stream:
        np.save(stream, np.ascontiguousarray(array, np.float32))
    return path.absolute()
