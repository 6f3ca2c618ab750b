"""Problems of any shape, for trying methods where there are no data."""

from __future__ import annotations

from fwibench.problem import (
    Amplitude,
    ElectromagneticSurvey,
    Grid,
    Point,
    Problem,
    Property,
    Ricker,
    SeismicSurvey,
)

SPACING = 10.0


def seismic_problem(measurement: tuple[int, int, int], shape: tuple[int, int]) -> Problem:
    """A velocity problem whose measurements are `(S, T, R)` and whose maps are `(Z, X)`; it cannot be simulated."""
    sources, nt, receivers = measurement
    survey = SeismicSurvey(
        sources=_surface(sources, shape),
        receivers=_surface(receivers, shape),
        nt=nt,
        dt=1e-3,
        wavelet=Ricker(frequency=15.0, delay=0.073),
    )
    velocity = Property(name="velocity", unit="m/s", low=1500.0, high=4500.0)
    return _problem(survey, shape, velocity)


def em_problem(measurement: tuple[int, int, int], shape: tuple[int, int]) -> Problem:
    """A conductivity problem whose measurements are `(S, 2 F, R)` and whose maps are `(Z, X)`."""
    sources, parts, receivers = measurement
    survey = ElectromagneticSurvey(
        sources=_surface(sources, shape),
        receivers=_surface(receivers, shape),
        frequencies=tuple(0.1 * 2.0**i for i in range(parts // 2)),
    )
    return _problem(survey, shape, Property(name="conductivity", unit="S/m", low=0.0, high=1.0))


def _surface(count: int, shape: tuple[int, int]) -> tuple[Point, ...]:
    """Places evenly spread along the top of the section."""
    return tuple(Point(x=shape[1] * SPACING * i / count, z=0.0) for i in range(count))


def _problem(survey: SeismicSurvey | ElectromagneticSurvey, shape: tuple[int, int], sought: Property) -> Problem:
    return Problem(
        grid=Grid(nz=shape[0], nx=shape[1], spacing=SPACING),
        survey=survey,
        physics=None,
        property=sought,
        amplitude=Amplitude(low=-1.0, high=1.0),
    )
