"""One record, or several, inverted without a known map and without training.

Invariant: only the record, its survey and the start are used. Methods are chosen by what their specs say, not by name.
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
from fwibench.runs.prediction.measurements import Incoming, inspect_values, read_measurements
from fwibench.runs.prediction.predict import Report
from fwibench.specs.method import MethodSpec
from fwibench.specs.options import parse_options, validate_options
from fwibench.typing import Array64, Maps

GRADIENT = "gradient"
"""Start that the record itself decides."""
FAR = 3.0
"""Simulated records that are so many times larger or smaller than the measured ones are doubted."""


@dataclass(frozen=True)
class Task:
    """Records that fit a survey, and the method that inverts them.

    Attributes:
        options: Validated options of the method, the start among them.
        warnings: What is doubtful about the records, a line each.
    """

    problem: Problem
    measurements: Incoming
    spec: MethodSpec
    options: Any
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What an inversion found.

    Attributes:
        maps: `(n, 1, Z, X)` in the property's unit.
        starts: As `maps`.
        seen: Illumination of each start, `(n, 1, Z, X)`, from 0 to 1; None where the physics is not acoustic.
        before: Misfit of each start: L2 norm of simulated less measured over that of the measured data.
        after: The same of each map.
        simulated: Records of the maps, `(n, S, T, R)`.
        seconds: Time that the inversion took.
        iterations: Of each record; None where the method does not tell.
        stopped: Whether the time limit ended it.
        warnings: What is doubtful about the result, a line each.
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
    """Methods that invert a single record from a start that an option names, in the order of their plugins."""
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
    """Reads the records and checks all that can be checked before an inversion.

    Args:
        measurements: An `.npy` file; see `read_measurements`.
        survey: A TOML file of grid, survey, physics and bounds; see `fwibench.datasets.user.survey_file`.
        registry: Where the method is looked up.
        method: Its name; empty: the first that can invert the records.
        start: `gradient`, or the name of an `.npy` file.
        settings: Other options of the method, as texts.

    Raises:
        UsageError: There is no such method, it cannot invert a single record, or an option is wrong.
        DataError: A file is not there or cannot be read.
        ProblemError: Records, start or places do not fit the survey or its grid, or values are not finite.
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
            f"--start is '{start}', which is neither {GRADIENT} nor a file", "give an .npy file of one map, (Z, X)"
        )
    section = None if start == GRADIENT else open_array(Path(start).expanduser()).shape[-2:]
    problem, notes = read_problem(survey, (shape[-3], shape[-2], shape[-1]), section)
    spec = _choose(registry, problem, method)
    given = parse_options(spec.name, spec.options, settings or {})
    if spec.start_option in given:
        raise UsageError(f"--set gives {spec.start_option}, which --start gives", "use --start alone")
    options = validate_options(spec.name, spec.options, {}, {**given, spec.start_option: start})
    if spec.learns(options.model_dump(mode="json")):
        raise UsageError(
            f"{spec.name} takes its start from training data for {spec.start_option}={start}, and there are none",
            "use --start gradient, or the name of an .npy file",
        )
    _check_places(problem)
    incoming = read_measurements(measurements, problem)
    problem = problem.model_copy(update={"amplitude": _amplitude(incoming, problem)})
    warnings = inspect_values(incoming, problem)
    return Task(problem, replace(incoming, notes=(*incoming.notes, *notes)), spec, options, tuple(warnings))


def invert(task: Task, device: str, time_limit: float | None = None, report: Report = lambda scalars: None) -> Outcome:
    """Inverts the records of a task one after the other, as many at a time as the method likes.

    Args:
        task: What is to be inverted.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        time_limit: Seconds after which the models of that moment are taken; None for no limit.
        report: Told how far it is.

    Raises:
        MethodError: The method's own code fails, or returns what is no map.
    """
    spec, problem = task.spec, task.problem
    records = np.array(task.measurements.array, np.float32, order="C")
    begun = time.monotonic()
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch, blaming(partial(_fault, spec)):
        chosen = choose_device(device, spec)
        select_device(chosen)
        context = RunContext(
            workdir=Path(scratch),
            device=chosen,
            dataset="record",
            method=spec.name,
            deadline=None if time_limit is None else begun + time_limit,
            on_report=report,
        )
        method = spec.load()(problem, task.options, context)
        maps = check_prediction(method.predict(records), (len(records), *problem.property_shape))
        traces = list(getattr(method, "traces", ()))
        starts = np.stack([t.models["start"] for t in traces]) if traces else maps
    seconds, stopped = time.monotonic() - begun, context.should_stop()
    of_starts, of_maps = (_simulate(models, problem) for models in (starts, maps))
    return Outcome(
        maps=maps,
        starts=starts,
        seen=_seen(starts, problem),
        before=_misfits(of_starts, records),
        after=_misfits(of_maps, records),
        simulated=of_maps,
        seconds=seconds,
        iterations=[len(trace.steps) for trace in traces] if traces else None,
        stopped=stopped,
        warnings=tuple(_doubt(of_starts, of_maps, records)),
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


def _check_places(problem: Problem) -> None:
    """Raises `ProblemError` for places outside of the grid, and for a source that the time axis cannot hold."""
    from fwibench.physics.placement import place

    place(problem)
    survey = problem.survey
    if isinstance(survey, SeismicSurvey) and survey.wavelet.frequency >= 0.5 / survey.dt:
        raise ProblemError(
            f"the source's {survey.wavelet.frequency:g} Hz lie above the Nyquist frequency of a time step of "
            f"{survey.dt:g} s, {0.5 / survey.dt:g} Hz",
            "give the time step in seconds: 1 ms is 0.001",
        )


def _amplitude(records: Incoming, problem: Problem) -> Any:
    """Amplitude that scales these records to [-1, 1]."""
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
    """Relative L2 distances `(n,)`; traces that are missing, zero throughout, are left out."""
    pairs = zip(simulated, records, strict=True)
    return np.array([relative_distance(made, record, floor=1e-30) for made, record in pairs])


def _seen(starts: Maps, problem: Problem) -> Maps | None:
    from fwibench.physics.illumination import has_illumination, illumination

    if not has_illumination(problem):
        return None
    return np.stack([illumination(problem, start) for start in starts])


def _doubt(of_starts: Maps, of_maps: Maps, records: Maps) -> list[str]:
    """Amplitude and sign of the records that the survey's source does not explain."""
    heard: NDArray[np.bool_] = np.asarray(records.any(axis=2, keepdims=True))
    lines: list[str] = []
    for number, (start, found, record) in enumerate(zip(of_starts, of_maps, records, strict=True)):
        simulated = (start * heard[number]).astype(np.float64)
        size = float(np.linalg.norm(simulated) / max(float(np.linalg.norm(record)), 1e-30))
        agreement = float((found * heard[number] * record).sum(dtype=np.float64))
        if not 1 / FAR < size < FAR:
            lines.append(
                f"record {number} is {max(size, 1 / max(size, 1e-30)):.3g} times "
                f"{'smaller' if size > 1 else 'larger'} than the simulation of its start: set the source's scale in "
                "the survey, or --set wavelet=estimated"
            )
        elif agreement < 0:
            lines.append(f"record {number} looks like the simulation with the opposite sign: is the source's scale -1?")
    return lines


def _fault(spec: MethodSpec, what: str) -> MethodError:
    return MethodError(f"{spec.name} cannot invert the record: {what}", "--debug shows where")
