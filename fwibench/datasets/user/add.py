"""From what the user says and what the files hold to a description.

Invariant: the description is written last, so a dataset is known only when everything about it was checked.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from fwibench.datasets.agreement import Agreement
from fwibench.datasets.layouts import Expected
from fwibench.datasets.pairing import pair_by_numbers
from fwibench.datasets.readers.segy_headers import SUFFIXES
from fwibench.datasets.user.description import AddedDataset, converted_folder, description_path
from fwibench.datasets.user.duplicates import describe_duplicates, find_duplicates
from fwibench.datasets.user.file_pairs import find, pair
from fwibench.datasets.user.header_positions import count
from fwibench.datasets.user.input_files import bring
from fwibench.datasets.user.number_lists import read_list
from fwibench.datasets.user.options import Addition
from fwibench.datasets.user.physics_fit import explain
from fwibench.datasets.user.physics_search import Offer
from fwibench.datasets.user.plausibility import check_clock, check_finite, check_section
from fwibench.datasets.user.splits import deal, read_numbers, split_sizes
from fwibench.datasets.user.survey import make_survey
from fwibench.datasets.user.value_ranges import Examined, arrays, check_unit, examine
from fwibench.errors import UsageError
from fwibench.files.states import stamp
from fwibench.problem import Amplitude, Grid, Problem, Property, SeismicSurvey
from fwibench.text.readable import counted


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
    pairs, paired = pair_by_numbers(find(wanted.measurements, "measurements"), find(wanted.properties, "properties"))
    originals = [u for u, _ in pairs], [c for _, c in pairs]
    brought = bring(wanted, *originals, converted)
    wanted = replace(wanted, dt=wanted.dt or brought.step or None)
    shown = dict(zip((*brought.measurements, *brought.properties), (*originals[0], *originals[1]), strict=True))
    gathered = pair(brought.measurements, brought.properties, _expected(wanted), shown)
    n = sum(gathered.counts)
    numbers = read_numbers(wanted.test_numbers, n) if wanted.test_numbers else ()
    if numbers and wanted.split == "last":
        raise UsageError("--split last and --test-numbers are both given", "leave one out")
    n_val, n_test = split_sizes(n, wanted.val, wanted.test, len(numbers))
    grid = Grid(nz=gathered.section[0], nx=gathered.section[1], spacing=wanted.spacing)
    wanted, placed = brought.fill(wanted, grid)
    survey, notes = make_survey(wanted, gathered.measurement, grid)
    notes = (*paired, *brought.notes, *gathered.notes, *placed, *notes)
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
    notes = tuple(f"row {row} of the measurements is zero throughout" for row in silent)
    return Amplitude(low=-1.0, high=1.0, rows=rows), notes


def _expected(wanted: Addition) -> Expected:
    """What the options say about the shape of the measurements."""
    em = wanted.kind == "em"
    frequencies = len(read_list(wanted.frequencies, "--frequencies", "0.1,1,10")) if em else None
    counts = count(wanted.source_x, "source"), count(wanted.receiver_x, "receiver")
    given = [
        f"--{option} gives {number} {what}{'s' * (number != 1)}"
        for option, number, what in zip(("source-x", "receiver-x"), counts, ("place", "place"), strict=True)
        if number is not None
    ]
    if frequencies is not None:
        given.append(f"{frequencies} frequencies need {2 * frequencies} rows of real and imaginary parts")
    advice = f"{', '.join(given)}; measurements are (n, S, {'2 F' if em else 'T'}, R): correct one, or transpose"
    return Expected((counts[0], frequencies and 2 * frequencies, counts[1]), em=em, advice=advice if given else "")


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
    step = [] if str(given.get("measurements")).lower().endswith(SUFFIXES) else ["dt"]  # SEG-Y files have it
    wavelet = [] if given.get("wavelet") else ["frequency"]
    needed += ["frequencies"] if kind == "em" else [*step, *wavelet]
    return [name for name in needed if given.get(name) in (None, "")]
