"""From what the user says and what the files hold to a description.

Invariant: the description is written last, so a dataset is known only when everything about it was checked.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from fwibench.datasets.added.converting import check_room, convert_measurements, convert_properties
from fwibench.datasets.added.description import AddedDataset, converted_folder, description_path
from fwibench.datasets.added.examining import Examined, arrays, check_unit, examine, simulation_residual
from fwibench.datasets.added.gathering import SEGY, Gathered, find, pair
from fwibench.datasets.added.geometry import SurveyOptions, make_survey, read_places
from fwibench.errors import DataError, UsageError
from fwibench.files import stamp
from fwibench.problem import AcousticPhysics, Amplitude, Grid, Problem, Property

RESIDUAL = 0.05
"""Simulated and recorded data may differ by this much (relative L2) and still count as the same physics: another order
of the scheme makes 2 %, a wavelet that is one sample late 10 %."""


@dataclass(frozen=True)
class Addition(SurveyOptions):
    """What the user says of the data.

    Attributes:
        name: Of the new dataset.
        measurements: Pattern of files.
        properties: Pattern of files.
        low: Bound of the property; None to take what the files hold.
        high: Likewise.
        val: Samples of val: a share below 1, or a number.
        test: Samples of test, likewise.
    """

    name: str
    measurements: str
    properties: str
    property: str = "velocity"
    unit: str = "m/s"
    low: float | None = None
    high: float | None = None
    val: float = 0.1
    test: float = 0.1
    summary: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Findings:
    """The description, and what the user should be told."""

    description: AddedDataset
    amplitude: Examined
    property: Examined
    notes: tuple[str, ...]


def add(wanted: Addition) -> Findings:
    """Checks everything, converts what cannot be read in place, and writes the description.

    Raises:
        UsageError: What the user says does not fit the files.
        DataError: The files cannot be used; says which and why.
    """
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
    n_val, n_test = (max(round(part * n), 1) if 0 < part < 1 else int(part) for part in (wanted.val, wanted.test))
    if n_val < 1 or n_test < 1 or n_val + n_test >= n:
        raise UsageError(
            f"{n_val} val and {n_test} test samples of {n}; expected one each or more, and some left to train on",
            "correct --val and --test",
        )
    grid = Grid(nz=gathered.section[0], nx=gathered.section[1], spacing=wanted.spacing)
    survey, notes = make_survey(wanted, gathered.measurement, grid)
    measured, mapped = (
        examine(side, wanted.name, what)
        for side, what in zip(arrays(gathered), ("measurement", "property"), strict=True)
    )
    check_unit(mapped, wanted.property, wanted.unit)
    problem = Problem(
        grid=grid,
        survey=survey,
        physics=None,
        property=_bounds(wanted, mapped),
        amplitude=Amplitude(low=measured.low, high=measured.high),
    )
    problem, note = _with_physics(problem, wanted, gathered)
    notes = (*notes, note)
    description = AddedDataset(
        name=wanted.name,
        summary=wanted.summary or f"{n} added samples, {grid.nz} x {grid.nx} at {grid.spacing:g} m",
        licence=wanted.licence,
        caveats=notes,
        problem=problem,
        measurements=gathered.measurements,
        properties=gathered.properties,
        counts=gathered.counts,
        stamps=tuple(stamp((*gathered.measurements, *gathered.properties))),
        n_val=n_val,
        n_test=n_test,
    )
    return Findings(description, measured, mapped, notes)


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


def _with_physics(problem: Problem, wanted: Addition, gathered: Gathered) -> tuple[Problem, str]:
    """Adds acoustic physics where enough is known to simulate and the first sample comes out as recorded."""
    if wanted.kind == "em":
        return problem, "no physics: electromagnetic data that were added are not simulated"
    known = (wanted.source_x, wanted.receiver_x, wanted.frequency, wanted.delay is not None)
    if not (problem.property.unit == "m/s" and all(known)):
        return problem, "no physics: simulating needs --source-x, --receiver-x, --frequency, --delay and m/s"
    physics = AcousticPhysics(
        accuracy=4, pml_width=20, pml_freq=wanted.frequency or 1.0, max_velocity=problem.property.high
    )
    simulated = problem.model_copy(update={"physics": physics})
    residual, factor = simulation_residual(simulated, gathered)
    if residual > RESIDUAL:
        return problem, (
            f"no physics: a simulated first sample differs from the recorded one by {residual:.0%}; times {factor:.3g} "
            "it would fit best"
        )
    return simulated, f"acoustic physics: a simulated first sample differs from the recorded one by {residual:.1%}"


def missing(kind: str, given: Mapping[str, object]) -> list[str]:
    """Names of the options that are needed and not given."""
    needed = ["measurements", "properties", "spacing"]
    step = [] if str(given.get("measurements")).lower().endswith(SEGY) else ["dt"]  # SEG-Y files have it
    needed += ["frequencies"] if kind == "em" else [*step, "frequency"]
    return [name for name in needed if given.get(name) in (None, "")]
