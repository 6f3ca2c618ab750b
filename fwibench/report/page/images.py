"""Maps and measurements as small images of the viewer.

Invariant: an image has a pixel for each node shown, in a palette of 256 colours whose ends are given values, so a
colour means the same value in all images of a setting.
"""

from __future__ import annotations

import io
import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fwibench.problem import ElectromagneticSurvey, Problem
from fwibench.report.canvas import as_uri, import_matplotlib
from fwibench.report.pictures import COLOURS, along, finite, grey_limit, shown_source
from fwibench.typing import Array32, Array64

MOST = 256
"""Pixels of an image along either side, at most."""
PROPERTY, ERROR, DEVIATION, GATHER = COLOURS, "RdBu_r", "viridis_r", "Greys"
"""Colour maps of the property, of signed errors, of standard deviations and of recorded amplitudes."""
STOPS = 17
"""Colours of a colour bar."""

Values = NDArray[Any]


def step_of(shape: tuple[int, ...]) -> int:
    """Return the step between shown nodes for a map of that shape."""
    return math.ceil(max(shape) / MOST)


def draw(values: Values, low: float, high: float, colours: str) -> str:
    """Draw values as a PNG in a data URI.

    Args:
        values: `(rows, columns)`, a pixel each.
        low: Value of the first colour; lower values take it, too.
        high: Value of the last colour.
        colours: Name of a colour map.
    """
    scaled = (np.asarray(values, np.float64) - low) * (255 / (high - low))
    image = Image.fromarray(np.clip(np.nan_to_num(scaled), 0, 255).round().astype(np.uint8))
    image.putpalette(colours_of(colours))
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return as_uri(stream.getvalue(), "image/png")


@cache
def stops(colours: str) -> list[str]:
    """Return the colours of a colour bar, from low to high."""
    palette = colours_of(colours)
    steps = np.linspace(0, 255, STOPS).round().astype(int)
    return ["#" + bytes(palette[3 * step : 3 * step + 3]).hex() for step in steps]


@cache
def colours_of(colours: str, steps: int = 256) -> list[int]:
    """Return red, green and blue of even steps of a colour map, one after the other.

    Args:
        colours: Name of the colour map.
        steps: Number of colours.
    """
    import_matplotlib()
    from matplotlib import colormaps

    return [int(part) for part in (colormaps[colours](np.linspace(0, 1, steps))[:, :3] * 255).round().ravel()]


def describe_measurement(measurement: Array32, problem: Problem) -> dict[str, Any]:
    """Return one source of a measurement for the viewer: a gather in grey, or the field of each frequency as curves.

    Args:
        measurement: `(S, T, R)` or `(S, 2 F, R)`.
        problem: Problem of the dataset.
    """
    survey, shown = problem.survey, finite(measurement)
    source = shown_source(measurement, survey)
    places = along(survey, source)
    shared = {"sources": len(measurement), "from": float(places[0]), "to": float(places[-1])}
    if isinstance(survey, ElectromagneticSurvey):
        field = np.hypot(shown[0, 0::2], shown[0, 1::2])
        # zero has no logarithm
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
    limit = grey_limit(gather)
    return {
        "kind": "gather",
        "source": source + 1,
        "image": draw(gather, -limit, limit, GATHER),
        "seconds": (survey.nt - 1) * survey.dt,
        **shared,
    }


def _average(gather: Array64, step: int) -> Array64:
    """Means of `step` time samples each: leaving samples out would alias high frequencies."""
    whole = len(gather) // step * step
    return gather[:whole].reshape(-1, step, gather.shape[1]).mean(1)
