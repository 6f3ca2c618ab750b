"""The user's files as `.npy` files, with the positions in their headers.

Invariant: `.npy` files stay where they are; SEG-Y files are converted into the data folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fwibench.datasets.readers.segy_headers import SUFFIXES
from fwibench.datasets.readers.segy_positions import MapPositions
from fwibench.datasets.readers.segy_shots import TraceOptions
from fwibench.datasets.store import check_room
from fwibench.datasets.user.header_positions import fill_positions
from fwibench.datasets.user.number_lists import parse_numbers
from fwibench.datasets.user.options import AddOptions
from fwibench.datasets.user.projection import GivenPositions, SectionFrame, find_frame, project_samples
from fwibench.datasets.user.segy_conversion import convert_measurements, convert_properties
from fwibench.datasets.user.survey import count_positions, fixed_positions
from fwibench.errors import UsageError
from fwibench.problem import Grid


@dataclass(frozen=True)
class InputFiles:
    """Files that can be read in place.

    Attributes:
        measurements: `.npy` files of measurements.
        properties: `.npy` file of properties of each.
        step: Time step of the SEG-Y files [s]; 0 where they have none.
        positions: Positions of each sample in map coordinates; empty where headers have none.
        frames: Position of the section of each sample on the map; empty where headers have none.
        notes: Notes on what was used and assumed.
    """

    measurements: list[Path]
    properties: list[Path]
    step: float
    positions: tuple[MapPositions, ...]
    frames: tuple[SectionFrame | None, ...]
    notes: tuple[str, ...]

    def fill_options(self, options: AddOptions, grid: Grid) -> tuple[AddOptions, list[str]]:
        """Return the options with the positions of the headers where the user gives none, and notes.

        Args:
            options: Options of the user.
            grid: Grid of the section.

        Raises:
            UsageError: An option needs headers that are not there, or positions lie outside of the section.
            DataError: Samples have different surveys.
        """
        if not self.positions:
            if options.origin or options.top is not None:
                raise UsageError(
                    "--origin and --top need SEG-Y measurements with positions in their headers, there are none",
                    "leave them out, and give --source-x, --receiver-x and --depth",
                )
            return options, []
        frames = self.frames if len(self.frames) == len(self.positions) else (None,) * len(self.positions)
        projected = project_samples(self.positions, frames, grid, _given_positions(options))
        return fill_positions(options, projected, grid)


def convert_inputs(
    options: AddOptions, measurements: Sequence[Path], properties: Sequence[Path], folder: Path
) -> InputFiles:
    """Convert the SEG-Y files among the user's files.

    Args:
        options: Options of the user.
        measurements: Files of measurements.
        properties: File of properties of each.
        folder: Folder that receives converted files.

    Raises:
        DataError: A file cannot be converted, or the disk is too small.
        UsageError: An option is malformed, or does not apply to these files.
    """
    segy = [path for path in (*measurements, *properties) if path.suffix.lower() in SUFFIXES]
    _given_positions(options)
    if options.shots_per_sample is not None and not (options.shots_per_sample > 0 and measurements[0] in segy):
        raise UsageError(
            f"--shots-per-sample is {options.shots_per_sample}, expected 1 or more, for SEG-Y measurements",
            "leave it out; .npy files have an axis of sources",
        )
    if segy:
        folder.mkdir(parents=True, exist_ok=True)
        check_room(folder, sum(path.stat().st_size for path in segy), "converting")
    data, step, notes = list(measurements), 0.0, list[str]()
    positions: tuple[MapPositions, ...] = ()
    frames: tuple[SectionFrame | None, ...] = ()
    if measurements[0] in segy:
        given = TraceOptions(
            step=options.dt,
            sources=options.shots_per_sample or count_positions(options.source_x, "source"),
            receivers=count_positions(options.receiver_x, "receiver"),
            headers=options.headers,
        )
        converted = convert_measurements(measurements, folder, given)
        data, step, positions, notes = converted.files, converted.step, converted.positions, list(converted.notes)
    maps = list(properties)
    if properties[0] in segy:
        sections = convert_properties(properties, folder, options.spacing)
        maps = sections.files
        notes += sections.notes
        if positions and not options.origin:
            found = [find_frame(columns, options.spacing) for columns in sections.columns]
            frames = tuple(frame for frame, _ in found)
            notes += dict.fromkeys(text for _, texts in found for text in texts)
    return InputFiles(data, maps, step, positions, frames, tuple(notes))


def _given_positions(options: AddOptions) -> GivenPositions:
    origin = parse_numbers(options.origin, "--origin", "500 or 500,1200") if options.origin else None
    if origin is not None and len(origin) > 2:
        raise UsageError(
            f"--origin is '{options.origin}', expected X or X,Y", "write --origin 500 or --origin 500,1200"
        )
    return GivenPositions(
        sources=fixed_positions(options.source_x, "source"),
        receivers=fixed_positions(options.receiver_x, "receiver"),
        origin=origin,
        top=options.top,
    )
