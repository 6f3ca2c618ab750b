"""A measurement as the viewer shows it: a gather in grey, or the fields of each frequency as curves."""

from __future__ import annotations

from typing import Any

import numpy as np

from fwibench.problem import ElectromagneticSurvey, Problem
from fwibench.report.page.images import GATHER, draw, step_of
from fwibench.report.pictures import along, finite
from fwibench.typing import Array32, Array64

LOUD = 0.95
"""Quantile of the amplitudes beyond which a gather is black or white."""


def describe_measurement(measurement: Array32, problem: Problem) -> dict[str, Any]:
    """One source of a measurement `(S, T, R)` or `(S, 2 F, R)`, as JSON can hold it."""
    survey, shown = problem.survey, finite(measurement)
    source = len(measurement) // 2 if survey.kind == "seismic" else 0
    places = along(survey, source)
    shared = {"sources": len(measurement), "from": float(places[0]), "to": float(places[-1])}
    if isinstance(survey, ElectromagneticSurvey):
        field = np.hypot(shown[0, 0::2], shown[0, 1::2])
        # zero has no place on a logarithmic axis
        values = np.log10(np.where(field > 0, field, np.nan)).round(3).tolist()
        return {
            "kind": "curves",
            "source": source + 1,
            "frequencies": list(survey.frequencies),
            "x": places.round(4).tolist(),
            "values": [[None if value != value else value for value in line] for line in values],
            **shared,
        }
    gather = _average(shown[source], step_of((survey.nt,)))[:, :: step_of((len(survey.receivers),))]
    limit = float(np.quantile(np.abs(gather), LOUD)) or 1.0
    return {
        "kind": "gather",
        "source": source + 1,
        "image": draw(gather, -limit, limit, GATHER),
        "seconds": (survey.nt - 1) * survey.dt,
        **shared,
    }


def _average(gather: Array64, step: int) -> Array64:
    """Means of so many time samples in turn: leaving samples out would fold high frequencies down."""
    whole = len(gather) // step * step
    return gather[:whole].reshape(-1, step, gather.shape[1]).mean(1)
