"""Adding a user's files as a dataset: checks, conversion, description.

Invariant: the description is written last, so a dataset is known only after everything about it was checked.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from fwibench.datasets.agreement import Agreement
from fwibench.datasets.layouts import Expected
from fwibench.datasets.pairing import pair_by_numbers
from fwibench.datasets.user.description import Description, converted_folder, description_path
from fwibench.datasets.user.duplicates import describe_duplicates, find_duplicates
from fwibench.datasets.user.file_pairs import FilePairs, find_files, match_shapes
from fwibench.datasets.user.input_files import convert_inputs
from fwibench.datasets.user.number_lists import parse_groups, parse_numbers, parse_sample_numbers
from fwibench.datasets.user.options import AddOptions
from fwibench.datasets.user.physics_fit import PhysicsFit, fit_physics
from fwibench.datasets.user.physics_search import Offer
from fwibench.datasets.user.plausibility import check_section, check_time_axis
from fwibench.datasets.user.splits import shared_groups, split_samples, split_sizes
from fwibench.datasets.user.survey import Survey, count_positions, make_survey
from fwibench.datasets.user.value_ranges import ValueRange, check_unit, find_range, open_pairs
from fwibench.errors import UsageError
from fwibench.files.states import stamp
from fwibench.problem import Amplitude, Grid, Problem, Property, SeismicSurvey
from fwibench.text.readable import counted


@dataclass(frozen=True)
class AddResult:
    """Description of a dataset that was added, and what to report.

    Attributes:
        description: Description that was written.
        amplitude: Range of the measurements.
        property: Range of the properties.
        notes: Notes on what was assumed, estimated and found.
        agreements: Agreement of each sample that was compared with a simulation.
        offers: Options that explain the records better.
    """

    description: Description
    amplitude: ValueRange
    property: ValueRange
    notes: tuple[str, ...]
    agreements: tuple[Agreement, ...] = ()
    offers: tuple[Offer, ...] = ()


def add_dataset(options: AddOptions) -> AddResult:
    """Check the files, convert those that cannot be read in place, and write the description.

    Raises:
        UsageError: An option does not fit the files, or the name is taken.
        DataError: A file cannot be used; the message names it and the reason.
    """
    if description_path(options.name).exists():
        raise UsageError(f"{options.name} is added already", f"fwibench data remove {options.name} forgets it")
    converted = converted_folder(options.name)
    try:
        result = _examine(options, converted)
        result.description.write()
    except BaseException as error:
        shutil.rmtree(converted, ignore_errors=True)
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            option = " ".join(map(str, first["loc"]))
            raise UsageError(f"{option} is {first['input']!r}: {first['msg'].lower()}", "correct the option") from error
        raise
    return result


def _examine(options: AddOptions, converted: Path) -> AddResult:
    paired, pairing_notes = pair_by_numbers(
        find_files(options.measurements, "measurements"), find_files(options.properties, "properties")
    )
    originals = [u for u, _ in paired], [c for _, c in paired]
    inputs = convert_inputs(options, *originals, converted)
    options = options.model_copy(update={"dt": options.dt or inputs.step or None})
    shown = dict(zip((*inputs.measurements, *inputs.properties), (*originals[0], *originals[1]), strict=True))
    pairs = match_shapes(inputs.measurements, inputs.properties, _expected(options), shown)
    numbers, sizes = _split(options, sum(pairs.counts))
    groups = parse_groups(options.groups, pairs.counts)
    grid = Grid(nz=pairs.section[0], nx=pairs.section[1], spacing=options.spacing)
    options, position_notes = inputs.fill_options(options, grid)
    survey, survey_notes = make_survey(options, pairs.measurement, grid)
    notes = (*pairing_notes, *inputs.notes, *pairs.notes, *position_notes, *survey_notes)
    if isinstance(survey, SeismicSurvey):
        notes = (*notes, *check_time_axis(survey, delay_given=options.delay is not None))
    measurements, properties = open_pairs(pairs)
    measured = find_range(measurements, options.name, "measurement")
    mapped = find_range(properties, options.name, "property")
    check_unit(mapped, options.property, options.unit)
    if isinstance(survey, SeismicSurvey):
        notes = (*notes, *check_section(survey, grid, mapped, options.unit))
    problem, scaling_notes = _make_problem(options, survey, grid, (measured, mapped))
    fit = fit_physics(problem, options, pairs, has_positions=bool(options.source_x and options.receiver_x))
    description = _describe(options, pairs, fit, numbers, sizes).model_copy(update={"groups": groups})
    if sizes[1] == description.size:
        scaling_notes = (*scaling_notes, "all samples are test: only methods that do not train can run")
    duplicates = describe_duplicates(find_duplicates(properties), split_samples(description), measurements)
    notes = (*notes, *scaling_notes, *duplicates, *shared_groups(description), *fit.notes)
    description = description.model_copy(update={"caveats": notes})
    return AddResult(description, measured, mapped, notes, fit.agreements, fit.offers)


def _split(options: AddOptions, n: int) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Numbers of the test samples that the user names, and the sizes of val and test."""
    numbers = parse_sample_numbers(options.test_numbers, n) if options.test_numbers else ()
    if numbers and options.split == "last":
        raise UsageError("--split last and --test-numbers are both given", "leave one out")
    return numbers, split_sizes(n, options.val, options.test, len(numbers))


def _describe(
    options: AddOptions, pairs: FilePairs, fit: PhysicsFit, numbers: tuple[int, ...], sizes: tuple[int, int]
) -> Description:
    grid, n = fit.problem.grid, sum(pairs.counts)
    return Description(
        name=options.name,
        summary=options.summary or f"{counted(n, 'added sample')}, {grid.nz} x {grid.nx} at {grid.spacing:g} m",
        licence=options.licence,
        problem=fit.problem,
        measurements=pairs.measurements,
        properties=pairs.properties,
        counts=pairs.counts,
        stamps=tuple(stamp((*pairs.measurements, *pairs.properties))),
        n_val=sizes[0],
        n_test=sizes[1],
        split=options.split,
        split_seed=str(options.split_seed),
        test_numbers=numbers,
    )


def _make_problem(
    options: AddOptions, survey: Survey, grid: Grid, ranges: tuple[ValueRange, ValueRange]
) -> tuple[Problem, tuple[str, ...]]:
    """Problem without physics from the ranges of measurements and properties, and notes on its scaling."""
    measured, mapped = ranges
    notes: tuple[str, ...] = ()
    amplitude = Amplitude(low=measured.low, high=measured.high)
    if options.kind == "em":
        # frequencies differ by orders of magnitude, so each row is scaled by itself
        silent = [row for row, size in enumerate(measured.rows) if not size > 0]
        notes = tuple(f"row {row} of the measurements is zero throughout" for row in silent)
        rows = tuple(size if size > 0 else 1.0 for size in measured.rows)
        amplitude = Amplitude(low=-1.0, high=1.0, rows=rows)
    bounds = _bounds(options, mapped)
    return Problem(grid=grid, survey=survey, physics=None, property=bounds, amplitude=amplitude), notes


def _bounds(options: AddOptions, found: ValueRange) -> Property:
    low = found.low if options.low is None else options.low
    high = found.high if options.high is None else options.high
    if not low <= found.low <= found.high <= high or low >= high:
        raise UsageError(
            f"{options.property} is {found.low:g} to {found.high:g} {options.unit} in the files, "
            f"--low and --high allow {low:g} to {high:g}",
            "widen the bounds; without them they are taken from the files",
        )
    return Property(name=options.property, unit=options.unit, low=low, high=high)


def _expected(options: AddOptions) -> Expected:
    """Sizes of the measurements that follow from the options."""
    em = options.kind == "em"
    frequencies = len(parse_numbers(options.frequencies, "--frequencies", "0.1,1,10")) if em else None
    counts = count_positions(options.source_x, "source"), count_positions(options.receiver_x, "receiver")
    given = [
        f"--{option} gives {counted(number, 'position')}"
        for option, number in zip(("source-x", "receiver-x"), counts, strict=True)
        if number is not None
    ]
    if frequencies is not None:
        given.append(f"{frequencies} frequencies need {2 * frequencies} rows of real and imaginary parts")
    advice = f"{', '.join(given)}; measurements are (n, S, {'2 F' if em else 'T'}, R): correct one, or transpose"
    return Expected((counts[0], frequencies and 2 * frequencies, counts[1]), em=em, advice=advice if given else "")
