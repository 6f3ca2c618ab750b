"""Details of a dataset as labels and values, for `info` and for its card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fwibench.datasets.base import Dataset
from fwibench.errors import OptionError
from fwibench.problem import ElectromagneticSurvey, Point, Problem, Ricker, SampledWavelet, SeismicSurvey

Detail = tuple[str, str]
"""Label and value."""


def describe_problem(problem: Problem) -> list[Detail]:
    """Return shapes, units, geometry, physics and scaling."""
    bounds, grid = problem.property, problem.grid
    kind = "S, T, R" if problem.survey.kind == "seismic" else "S, 2 F, R"
    return [
        (f"measurement ({kind})", _listed(problem.measurement_shape)),
        ("property (1, Z, X)", _listed(problem.property_shape)),
        ("bounds", f"{bounds.name} {bounds.low:g} to {bounds.high:g} {bounds.unit}"),
        (
            "grid spacing",
            f"{grid.spacing:g} m, {(grid.nz - 1) * grid.spacing:g} m deep, {(grid.nx - 1) * grid.spacing:g} m wide",
        ),
        *_describe_survey(problem.survey),
        (
            "physics",
            _describe_values(problem.physics.model_dump(exclude_none=True))
            if problem.physics
            else "not simulated here",
        ),
        ("scaling of measurements", _describe_values(problem.amplitude.model_dump(exclude_defaults=True))),
    ]


def describe_splits(dataset: Dataset) -> list[Detail]:
    """Return the number of samples in each split of each scheme."""
    details = []
    for scheme in dataset.spec.schemes:
        try:
            parts = dataset.selected(scheme)
        except OptionError as error:
            details.append((f"split {scheme}", error.message))
        else:
            details.append((f"split {scheme}", ", ".join(f"{name} {len(rows)}" for name, rows in parts.items())))
    return details


def _describe_survey(survey: SeismicSurvey | ElectromagneticSurvey) -> list[Detail]:
    receivers = _describe_points(survey.receivers)
    if isinstance(survey, SeismicSurvey) and survey.shot_receivers:
        last = _describe_points(survey.shot_receivers[-1])
        receivers = f"move with the source; first shot: {receivers}; last shot: {last}"
    positions = [("sources", _describe_points(survey.sources)), ("receivers", receivers)]
    if isinstance(survey, ElectromagneticSurvey):
        return [*positions, ("frequencies", f"{_listed(survey.frequencies)} Hz")]
    return [
        *positions,
        ("time", f"{survey.nt} samples of {survey.dt * 1e3:.4g} ms"),
        ("wavelet", _describe_wavelet(survey.wavelet)),
    ]


def _describe_wavelet(wavelet: Ricker | SampledWavelet) -> str:
    shape = "Ricker" if isinstance(wavelet, Ricker) else f"{len(wavelet.samples)} samples, strongest at"
    return f"{shape} {wavelet.frequency:g} Hz, peak at {wavelet.delay * 1e3:.4g} ms"


def _describe_points(points: Sequence[Point]) -> str:
    if len(points) <= 9:
        return _listed(f"({point.x:g}, {point.z:g})" for point in points) + " m (x, depth)"
    first, last = points[0], points[-1]
    return f"{len(points)} from ({first.x:g}, {first.z:g}) to ({last.x:g}, {last.z:g}) m (x, depth)"


def _describe_values(values: dict[str, object]) -> str:
    return ", ".join(
        f"{name} {_listed(value) if isinstance(value, tuple) else value}" for name, value in values.items()
    )


def _listed(values: Iterable[object]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
