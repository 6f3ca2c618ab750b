"""The user's files as `.npy` files, and what their headers say.

Invariant: `.npy` files stay where they are; SEG-Y files are converted into the data folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fwibench.datasets.readers.segy_headers import SUFFIXES
from fwibench.datasets.readers.segy_positions import FieldPlaces
from fwibench.datasets.readers.segy_shots import Stated
from fwibench.datasets.store import check_room
from fwibench.datasets.user import projection
from fwibench.datasets.user.header_positions import count, fill, fixed
from fwibench.datasets.user.number_lists import read_list
from fwibench.datasets.user.options import Addition
from fwibench.datasets.user.segy_conversion import convert_measurements, convert_properties
from fwibench.errors import UsageError
from fwibench.problem import Grid


@dataclass(frozen=True)
class Brought:
    """Files that can be read in place.

    Attributes:
        measurements: `.npy` files of measurements.
        properties: `.npy` file of properties of each.
        step: Time step of the SEG-Y files [s]; 0 where they do not say it.
        field: Places of each sample on the map; empty where headers do not say.
        frames: Where the section of each sample lies on the map; empty where headers do not say.
        notes: What was used and assumed.
    """

    measurements: list[Path]
    properties: list[Path]
    step: float
    field: tuple[FieldPlaces, ...]
    frames: tuple[projection.Frame | None, ...]
    notes: tuple[str, ...]

    def fill(self, wanted: Addition, grid: Grid) -> tuple[Addition, list[str]]:
        """Fill in the places that the headers say and the user does not.

        Args:
            wanted: What the user says.
            grid: The section.

        Returns:
            The same with places and depths, and notes.

        Raises:
            UsageError: An option needs headers that are not there, or places lie outside of the section.
            DataError: Samples have different surveys.
        """
        if not self.field:
            if wanted.origin or wanted.top is not None:
                raise UsageError(
                    "--origin and --top need SEG-Y measurements with places in their headers, there are none",
                    "leave them out, and give --source-x, --receiver-x and --depth",
                )
            return wanted, []
        frames = self.frames if len(self.frames) == len(self.field) else (None,) * len(self.field)
        return fill(wanted, projection.to_section(self.field, frames, grid, _stated(wanted)), grid)


def bring(wanted: Addition, measurements: Sequence[Path], properties: Sequence[Path], folder: Path) -> Brought:
    """Convert what is SEG-Y.

    Args:
        wanted: What the user says.
        measurements: Files of measurements.
        properties: File of properties of each.
        folder: Receives what is converted.

    Raises:
        DataError: A file cannot be converted, or the disk is too small.
        UsageError: An option is malformed, or has no use for these files.
    """
    segy = [path for path in (*measurements, *properties) if path.suffix.lower() in SUFFIXES]
    _stated(wanted)
    if wanted.shots_per_sample is not None and not (wanted.shots_per_sample > 0 and measurements[0] in segy):
        raise UsageError(
            f"--shots-per-sample is {wanted.shots_per_sample}, expected 1 or more, for SEG-Y measurements",
            "leave it out; .npy files have an axis of sources",
        )
    if segy:
        folder.mkdir(parents=True, exist_ok=True)
        check_room(folder, sum(path.stat().st_size for path in segy), "converting")
    found, step, notes = list(measurements), 0.0, list[str]()
    field: tuple[FieldPlaces, ...] = ()
    frames: tuple[projection.Frame | None, ...] = ()
    if measurements[0] in segy:
        stated = Stated(
            step=wanted.dt,
            sources=wanted.shots_per_sample or count(wanted.source_x, "source"),
            receivers=count(wanted.receiver_x, "receiver"),
            headers=wanted.headers,
        )
        converted = convert_measurements(measurements, folder, stated)
        found, step, field, notes = converted.files, converted.step, converted.places, list(converted.notes)
    maps = list(properties)
    if properties[0] in segy:
        sections = convert_properties(properties, folder, wanted.spacing)
        maps = sections.files
        notes += sections.notes
        if field and not wanted.origin:
            told = [projection.section_frame(columns, wanted.spacing) for columns in sections.columns]
            frames = tuple(frame for frame, _ in told)
            notes += dict.fromkeys(text for _, texts in told for text in texts)
    return Brought(found, maps, step, field, frames, tuple(notes))


def _stated(wanted: Addition) -> projection.Stated:
    origin = read_list(wanted.origin, "--origin", "500 or 500,1200") if wanted.origin else None
    if origin is not None and len(origin) > 2:
        raise UsageError(f"--origin is '{wanted.origin}', expected X or X,Y", "write --origin 500 or --origin 500,1200")
    return projection.Stated(
        fixed(wanted.source_x, "source"),
        fixed(wanted.receiver_x, "receiver"),
        origin,
        wanted.top,
    )
