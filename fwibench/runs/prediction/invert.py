"""Inversion of seismic records without a known map and without training.

Invariant: only the records, their survey and the start model are used. Methods are selected by their specs, not names.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.user.survey_file import read_problem
from fwibench.errors import MethodError, ProblemError, UsageError
from fwibench.files.npy import open_array
from fwibench.methods.base import check_prediction
from fwibench.methods.context import RunContext
from fwibench.physics.misfit import relative_distance
from fwibench.plugins.isolation import blaming
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem, SeismicSurvey
from fwibench.runs.machine.devices import choose_device, select_device
from fwibench.runs.prediction.measurements import Measurements, inspect_values, read_measurements
from fwibench.runs.prediction.predict import Report
from fwibench.specs.method import MethodSpec
from fwibench.specs.options import parse_options, validate_options
from fwibench.typing import Array64, Maps

GRADIENT = "gradient"
"""Start model that is a depth gradient fitted to the record."""
FAR_RATIO = 3.0
"""Ratio of the norms of simulated and measured records, or its inverse, above which a warning is given."""


@dataclass(frozen=True)
class Task:
    """Records of a survey, and the method that inverts them.

    Attributes:
        problem: Grid, survey, physics and bounds.
        measurements: The records, `(n, S, T, R)`.
        spec: Spec of the method.
        options: Validated options of the method, including the start model.
        warnings: A line for each doubt about the records.
    """

    problem: Problem
    measurements: Measurements
    spec: MethodSpec
    options: Any
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """Result of an inversion.

    Attributes:
        maps: Inverted maps in the property's unit, `(n, 1, Z, X)`.
        starts: Start models in the property's unit, `(n, 1, Z, X)`.
        seen: Illumination of each start model, from 0 to 1, `(n, 1, Z, X)`; None if the physics is not acoustic.
        before: Relative misfit of each start model, `(n,)`: L2 norm of simulated minus measured data, divided by the L2
            norm of the measured data.
        after: Relative misfit of each map, `(n,)`.
        simulated: Simulated records of the maps, `(n, S, T, R)`.
        seconds: Duration of the inversion [s].
        iterations: Number of iterations for each record; None if the method does not report it.
        stopped: Whether the inversion stopped at the time limit.
        warnings: A line for each doubt about the result.
    """

    maps: Maps
    starts: Maps
    seen: Maps | None
    before: Array64
    after: Array64
    simulated: Maps
    seconds: float
    iterations: list[int] | None
    stopped: bool
    warnings: tuple[str, ...] = field(default=())


def inverting_methods(registry: Registry) -> list[MethodSpec]:
    """Return the methods that can invert a single record from a start model given by an option, in plugin order."""
    specs = (offer.spec for offer in registry.methods.values())
    return [spec for spec in specs if spec.start_option and not spec.builds_on and spec.track == "standard"]


def make_task(
    measurements: Path,
    survey: Path,
    registry: Registry,
    *,
    method: str = "",
    start: str = GRADIENT,
    settings: Mapping[str, str] | None = None,
) -> Task:
    """Read records, and check everything that can be checked before the inversion.

    Args:
        measurements: An `.npy` file; see `read_measurements`.
        survey: A TOML file of grid, survey, physics and bounds; see `fwibench.datasets.user.survey_file`.
        registry: Registry of the methods.
        method: Name of the method; empty selects the first that can invert the records.
        start: `gradient`, or the path of an `.npy` file.
        settings: Other options of the method, as texts.

    Returns:
        The task.

    Raises:
        UsageError: The method does not exist or cannot invert a single record, or an option is invalid.
        DataError: A file does not exist or cannot be read.
        ProblemError: Records, start model or positions do not fit the survey or its grid, or values are not finite.
    """
    shape = open_array(measurements).shape
    if len(shape) not in (3, 4):
        raise ProblemError(
            f"{measurements} has shape {shape}, expected (n, S, T, R) or (S, T, R): records, sources, time samples, "
            "receivers",
            "one source needs an axis of length 1" if len(shape) == 2 else "",
        )
    if start != GRADIENT and not Path(start).expanduser().is_file():
        raise UsageError(
            f"--start is '{start}', expected {GRADIENT} or a file that exists", "give an .npy file of one map, (Z, X)"
        )
    section = None if start == GRADIENT else open_array(Path(start).expanduser()).shape[-2:]
    problem, notes = read_problem(survey, (shape[-3], shape[-2], shape[-1]), section)
    spec = _choose(registry, problem, method)
    given = parse_options(spec.name, spec.options, settings or {})
    if spec.start_option in given:
        raise UsageError(f"--set gives {spec.start_option}, which --start sets", "use --start only")
    options = validate_options(spec.name, spec.options, {}, {**given, spec.start_option: start})
    if spec.learns(options.model_dump(mode="json")):
        raise UsageError(
            f"{spec.name} computes its start model from training data for {spec.start_option}={start}, "
            "and there are none",
            "use --start gradient, or the path of an .npy file",
        )
    _check_positions(problem)
    records = read_measurements(measurements, problem)
    problem = problem.model_copy(update={"amplitude": _fit_amplitude(records, problem)})
    warnings = inspect_values(records, problem)
    return Task(problem, replace(records, notes=(*records.notes, *notes)), spec, options, tuple(warnings))


def invert(task: Task, device: str, time_limit: float | None = None, report: Report = lambda scalars: None) -> Outcome:
    """Invert the records of a task.

    Args:
        task: Records and method.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        time_limit: Time after which the inversion stops with its current models [s]; None for no limit.
        report: Called with the progress.

    Returns:
        Maps, misfits and warnings.

    Raises:
        MethodError: The method's code fails, or returns invalid maps.
    """
    spec, problem = task.spec, task.problem
    records = np.array(task.measurements.array, np.float32, order="C")
    begin = time.monotonic()
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch, blaming(partial(_fault, spec)):
        chosen = choose_device(device, spec)
        select_device(chosen)
        context = RunContext(
            workdir=Path(scratch),
            device=chosen,
            dataset="record",
            method=spec.name,
            deadline=None if time_limit is None else begin + time_limit,
            on_report=report,
        )
        method = spec.load()(problem, task.options, context)
        maps = check_prediction(method.predict(records), (len(records), *problem.property_shape))
        traces = list(getattr(method, "traces", ()))
        starts = np.stack([t.models["start"] for t in traces]) if traces else maps
    seconds, stopped = time.monotonic() - begin, context.should_stop()
    start_records, map_records = (_simulate(models, problem) for models in (starts, maps))
    return Outcome(
        maps=maps,
        starts=starts,
        seen=_illuminate(starts, problem),
        before=_misfits(start_records, records),
        after=_misfits(map_records, records),
        simulated=map_records,
        seconds=seconds,
        iterations=[len(trace.steps) for trace in traces] if traces else None,
        stopped=stopped,
        warnings=tuple(_compare_amplitudes(start_records, map_records, records)),
    )


def _choose(registry: Registry, problem: Problem, name: str) -> MethodSpec:
    able = inverting_methods(registry)
    if name:
        spec = registry.method(name).spec
        if spec not in able:
            raise UsageError(
                f"{spec.name} cannot invert a record without training",
                f"methods that can: {', '.join(one.name for one in able) or 'none is installed'}",
            )
        able = [spec]
    reasons = [spec.refusal(problem, "the survey") for spec in able]
    fitting = [spec for spec, reason in zip(able, reasons, strict=True) if not reason]
    if not fitting:
        raise UsageError(reasons[0] if reasons else "no method is installed that inverts a record without training")
    return fitting[0]


def _check_positions(problem: Problem) -> None:
    """Raise `ProblemError` for positions outside of the grid, and for a source above the Nyquist frequency."""
    from fwibench.physics.placement import place

    place(problem)
    survey = problem.survey
    if isinstance(survey, SeismicSurvey) and survey.wavelet.frequency >= 0.5 / survey.dt:
        raise ProblemError(
            f"the source frequency of {survey.wavelet.frequency:g} Hz is above {0.5 / survey.dt:g} Hz, the Nyquist "
            f"frequency of a time step of {survey.dt:g} s",
            "give the time step in seconds: 1 ms is 0.001",
        )


def _fit_amplitude(records: Measurements, problem: Problem) -> Any:
    """Return the amplitude normalisation that scales the records to [-1, 1]."""
    pairs = [(float(part.min()), float(part.max())) for _, part in records.portions(problem)]
    low, high = min(low for low, _ in pairs), max(high for _, high in pairs)
    if not np.isfinite([low, high]).all() or low == high:
        return problem.amplitude
    return problem.amplitude.model_copy(update={"low": low, "high": high})


def _simulate(models: Maps, problem: Problem) -> Maps:
    from fwibench.physics.parallel import simulate_each

    bounds = problem.property
    return np.stack(list(simulate_each(list(models.clip(bounds.low, bounds.high)), problem)))


def _misfits(simulated: Maps, records: Maps) -> Array64:
    """Return the relative L2 distances `(n,)`, without missing traces, whose samples are all 0."""
    pairs = zip(simulated, records, strict=True)
    return np.array([relative_distance(prediction, record, floor=1e-30) for prediction, record in pairs])


def _illuminate(starts: Maps, problem: Problem) -> Maps | None:
    from fwibench.physics.illumination import has_illumination, illumination

    if not has_illumination(problem):
        return None
    return np.stack([illumination(problem, start) for start in starts])


def _compare_amplitudes(start_records: Maps, map_records: Maps, records: Maps) -> list[str]:
    """Return a line for each record whose amplitude or sign does not match the survey's source."""
    present: NDArray[np.bool_] = np.asarray(records.any(axis=2, keepdims=True))
    lines: list[str] = []
    for number, (start, found, record) in enumerate(zip(start_records, map_records, records, strict=True)):
        simulated = (start * present[number]).astype(np.float64)
        ratio = float(np.linalg.norm(simulated) / max(float(np.linalg.norm(record)), 1e-30))
        correlation = float((found * present[number] * record).sum(dtype=np.float64))
        if not 1 / FAR_RATIO < ratio < FAR_RATIO:
            lines.append(
                f"record {number} is {max(ratio, 1 / max(ratio, 1e-30)):.3g} times "
                f"{'smaller' if ratio > 1 else 'larger'} than the simulation of its start model: set the source's "
                "scale in the survey, or --set wavelet=estimated"
            )
        elif correlation < 0:
            lines.append(
                f"record {number} correlates with the simulation with the opposite sign: "
                "check whether the source's scale is -1"
            )
    return lines


def _fault(spec: MethodSpec, what: str) -> MethodError:
    return MethodError(f"{spec.name} cannot invert the record: {what}", "--debug shows where")
