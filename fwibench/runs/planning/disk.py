"""Disk space that a plan needs: samples to prepare, and predictions of its cells."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fwibench.datasets.store import MARGIN
from fwibench.runs.planning.plan import PlannedCell

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset


@dataclass(frozen=True)
class Disk:
    """Space on one disk.

    Attributes:
        folder: A folder on the disk that exists.
        needed: Bytes that the plan writes there.
        free: Free bytes.
        what: Names of what is written there.
    """

    folder: Path
    needed: float
    free: int
    what: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether the free space suffices."""
        return self.needed <= self.free


def disks(planned: Sequence[PlannedCell], results: Path) -> list[Disk]:
    """Return the space that a plan needs on each disk.

    Args:
        planned: The cells. Samples count with the margin that preparing them demands, and cells that run with their
            predictions; models, whose size is not known, are left out.
        results: Results folder.

    Returns:
        Space on each disk that something is written to.
    """
    wanted: list[tuple[Path, float, str]] = [
        (dataset.folder, MARGIN * dataset.missing_bytes(), dataset.spec.name)
        for dataset in datasets_to_prepare(planned)
    ]
    if maps := sum(_bytes_of_predictions(one) for one in planned if one.will_run):
        wanted.append((results, MARGIN * maps, "predictions"))
    found: dict[int, list[tuple[Path, float, str]]] = {}
    for folder, size, what in wanted:
        place = _existing(folder)
        found.setdefault(os.stat(place).st_dev, []).append((place, size, what))
    return [
        Disk(
            parts[0][0],
            sum(size for _, size, _ in parts),
            shutil.disk_usage(parts[0][0]).free,
            tuple(what for _, _, what in parts),
        )
        for parts in found.values()
    ]


def datasets_to_prepare(planned: Sequence[PlannedCell]) -> list[Dataset]:
    """Return the datasets of the cells that will run and whose samples are not all on disk, each folder once."""
    needed = {one.dataset.folder: one.dataset for one in planned if one.will_run}
    return [dataset for dataset in needed.values() if dataset.missing_bytes()]


def _bytes_of_predictions(one: PlannedCell) -> int:
    samples = len(one.dataset.indices(one.cell.scored_on.split)["test"])
    if one.cell.test_samples is not None:
        samples = min(samples, one.cell.test_samples)
    return 4 * samples * math.prod(one.dataset.problem.property_shape)


def _existing(folder: Path) -> Path:
    """Return the folder, or the closest folder above it that exists."""
    folder = Path(os.path.abspath(folder))
    # Path.exists raises for folders that may not be searched
    return next(path for path in (folder, *folder.parents) if os.path.exists(path))
