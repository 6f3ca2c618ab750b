"""From what the user says and what the files hold to a description.

Invariant: the description is written last, so a dataset is known only when everything about it was checked.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from fwibench.datasets.added.converting import check_room, convert_measurements, convert_properties
from fwibench.datasets.added.description import AddedDataset, converted_folder, description_path
from fwibench.datasets.added.duplicates import describe_duplicates, find_duplicates
from fwibench.datasets.added.examining import Examined, arrays, check_unit, examine
from fwibench.datasets.added.explaining import explain
from fwibench.datasets.added.gathering import SEGY, find, pair
from fwibench.datasets.added.geometry import SurveyOptions, make_survey, read_places
from fwibench.datasets.added.matching import Offer
from fwibench.datasets.added.plausible import check_clock, check_finite, check_section
from fwibench.datasets.added.splitting import deal, read_numbers, split_sizes
from fwibench.datasets.agreement import Agreement
from fwibench.errors import DataError, UsageError
from fwibench.files import stamp
from fwibench.problem import Amplitude, Grid, Problem, Property, SeismicSurvey
from fwibench.readable import counted


@dataclass(frozen=True)
class Addition(SurveyOptions):
    """What the user says of the data.

    Attributes:
        name: Of the new dataset.
        measurements: Pattern of files.
        properties: Pattern of files.
        low: Bound of the property; None to take what the files hold.
        high: Likewise.
        val: Samples of val: a share below 1, or a number; None for a tenth.
        test: Samples of test, likewise; all where there are one or two.
        split: How samples are dealt out.
        split_seed: Of the shuffle.
        test_numbers: Which samples are test, such as `0,5,10:20`.
    """

    name: str
    measurements: str
    properties: str
    property: str = "velocity"
    unit: str = "m/s"
    low: float | None = None
    high: float | None = None
    val: float | None = None
    test: float | None = None
    split: Literal["random", "last"] = "random"
    split_seed: int = 0
    test_numbers: str = ""
    summary: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Findings:
    """The description, and what the user should be told.

    Attributes:
        description: As it is kept.
        amplitude: What the measurements hold.
        property: What the properties hold.
        notes: What was assumed, estimated and found.
        agreements: Of each sample that was compared with a simulation.
        offers: Options that would explain the records better.
    """

    description: AddedDataset
    amplitude: Examined
    property: Examined
    notes: tuple[str, ...]
    agreements: tuple[Agreement, ...] = ()
    offers: tuple[Offer, ...] = ()


def add(wanted: Addition) -> Findings:
    """Checks everything, converts what cannot be read in place, and writes the description.

    Raises:
        UsageError: What the user says does not fit the files.
        DataError: The files cannot be used; says which and why.
    """
    check_finite(wanted)
    if description_path(wanted.name).exists():
        raise UsageError(f"{wanted.name} is added already", f"fwibench data remove {wanted.name} forgets it")
    converted = converted_folder(wanted.name)
    try:
        findings = _examine(wanted, converted)
        findings.description.write()
    except BaseException as error:
        shutil.rmtree(converted, ignore_errors=True)
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            option = " ".join(map(str, first["loc"]))
            raise UsageError(f"{option} is {first['input']!r}: {first['msg'].lower()}", "correct the option") from error
        raise
    return findings


def _examine(wanted: Addition, converted: Path) -> Findings:
    measurements, properties = find(wanted.measurements, "measurements"), find(wanted.properties, "properties")
    wanted, measurements, properties = _convert(wanted, measurements, properties, converted)
    gathered = pair(measurements, properties)
    n = sum(gathered.counts)
    numbers = read_numbers(wanted.test_numbers, n) if wanted.test_numbers else ()
    if numbers and wanted.split == "last":
        raise UsageError("--split last and --test-numbers are both given", "leave one out")
    n_val, n_test = split_sizes(n, wanted.val, wanted.test, len(numbers))
    grid = Grid(nz=gathered.section[0], nx=gathered.section[1], spacing=wanted.spacing)
    survey, notes = make_survey(wanted, gathered.measurement, grid)
    if isinstance(survey, SeismicSurvey):
        notes = (*notes, *check_clock(survey, delay_given=wanted.delay is not None))
    sides = arrays(gathered)
    measured, mapped = (
        examine(side, wanted.name, what) for side, what in zip(sides, ("measurement", "property"), strict=True)
    )
    check_unit(mapped, wanted.property, wanted.unit)
    if isinstance(survey, SeismicSurvey):
        notes = (*notes, *check_section(survey, grid, mapped, wanted.unit))
    amplitude, told = _amplitude(measured, wanted.kind)
    problem = Problem(grid=grid, survey=survey, physics=None, property=_bounds(wanted, mapped), amplitude=amplitude)
    explained = explain(problem, wanted, gathered, placed=bool(wanted.source_x and wanted.receiver_x))
    if n_test == n:
        told = (*told, "all samples are test: only methods that do not train can run")
    described = AddedDataset(
        name=wanted.name,
        summary=wanted.summary or f"{counted(n, 'added sample')}, {grid.nz} x {grid.nx} at {grid.spacing:g} m",
        licence=wanted.licence,
        problem=explained.problem,
        measurements=gathered.measurements,
        properties=gathered.properties,
        counts=gathered.counts,
        stamps=tuple(stamp((*gathered.measurements, *gathered.properties))),
        n_val=n_val,
        n_test=n_test,
        split=wanted.split,
        split_seed=str(wanted.split_seed),
        test_numbers=numbers,
    )
    copies = describe_duplicates(find_duplicates(sides[1]), deal(described), sides[0])
    notes = (*notes, *told, *copies, *explained.notes)
    described = described.model_copy(update={"caveats": notes})
    return Findings(described, measured, mapped, notes, explained.agreements, explained.offers)


def _amplitude(measured: Examined, kind: str) -> tuple[Amplitude, tuple[str, ...]]:
    """Scaling of measurements by what was found: each row of EM data by itself, since frequencies differ by orders."""
    if kind == "seismic":
        return Amplitude(low=measured.low, high=measured.high), ()
    silent = [row for row, size in enumerate(measured.rows) if not size > 0]
    rows = tuple(size if size > 0 else 1.0 for size in measured.rows)
    notes = (f"rows {', '.join(map(str, silent))} of the measurements are zero throughout",) if silent else ()
    return Amplitude(low=-1.0, high=1.0, rows=rows), notes


def _convert(
    wanted: Addition, measurements: list[Path], properties: list[Path], folder: Path
) -> tuple[Addition, list[Path], list[Path]]:
    """Brings SEG-Y files into the data folder; their time step must be the user's."""
    there = [path for path in (*measurements, *properties) if path.suffix.lower() in SEGY]
    if there:
        check_room(there, folder)
    if measurements[0] in there:
        given = wanted.source_x
        sources = len(read_places(given, "source") if isinstance(given, str) and given else given) or None
        measurements, step = convert_measurements(measurements, folder, sources)
        if wanted.dt is not None and step and abs(step - wanted.dt) > 1e-6:
            raise DataError(f"--dt is {wanted.dt:g} s, the files say {step:g} s", "leave --dt out, or correct them")
        wanted = replace(wanted, dt=wanted.dt or step or None)
    if properties[0] in there:
        properties = convert_properties(properties, folder)
    return wanted, measurements, properties


def _bounds(wanted: Addition, found: Examined) -> Property:
    low = found.low if wanted.low is None else wanted.low
    high = found.high if wanted.high is None else wanted.high
    if not low <= found.low <= found.high <= high or low >= high:
        raise UsageError(
            f"{wanted.property} is {found.low:g} to {found.high:g} {wanted.unit} in the files, "
            f"--low and --high allow {low:g} to {high:g}",
            "widen the bounds; without them they are taken from the files",
        )
    return Property(name=wanted.property, unit=wanted.unit, low=low, high=high)


def missing(kind: str, given: Mapping[str, object]) -> list[str]:
    """Names of the options that are needed and not given."""
    needed = ["measurements", "properties", "spacing"]
    step = [] if str(given.get("measurements")).lower().endswith(SEGY) else ["dt"]  # SEG-Y files have it
    wavelet = [] if given.get("wavelet") else ["frequency"]
    needed += ["frequencies"] if kind == "em" else [*step, *wavelet]
    return [name for name in needed if given.get(name) in (None, "")]
