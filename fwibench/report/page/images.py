"""Maps as small images.

Invariant: an image has a pixel for each node shown, in a palette of 256 colours whose ends are given numbers, so the
same colour means the same value in all images of a place.
"""

from __future__ import annotations

import base64
import io
import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fwibench.report.canvas import import_matplotlib
from fwibench.report.pictures import COLOURS

MOST = 256
"""Pixels of an image along either side."""
PROPERTY, ERROR, GATHER = COLOURS, "RdBu_r", "Greys"
"""Colour maps: of the property, of errors with their sign, of recorded amplitudes."""
STOPS = 17

Values = NDArray[Any]


def step_of(shape: tuple[int, ...]) -> int:
    """Every how many nodes a map of that shape is shown."""
    return math.ceil(max(shape) / MOST)


def draw(values: Values, low: float, high: float, colours: str) -> str:
    """A PNG as a data URI.

    Args:
        values: `(rows, columns)`; shown as they are, node by node.
        low: Value of the palette's first colour; what lies below takes it too.
        high: Value of its last.
        colours: Name of a colour map.
    """
    scaled = (np.asarray(values, np.float64) - low) * (255 / (high - low))
    image = Image.fromarray(np.clip(np.nan_to_num(scaled), 0, 255).round().astype(np.uint8))
    image.putpalette(colours_of(colours))
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return as_uri(stream.getvalue(), "image/png")


def as_uri(content: bytes, kind: str) -> str:
    """Content that a page holds in itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@cache
def stops(colours: str) -> list[str]:
    """Colours of a bar, from low to high."""
    palette = colours_of(colours)
    places = np.linspace(0, 255, STOPS).round().astype(int)
    return ["#" + bytes(palette[3 * place : 3 * place + 3]).hex() for place in places]


@cache
def colours_of(colours: str, steps: int = 256) -> list[int]:
    """Red, green and blue of even steps of a colour map, one after the other."""
    import_matplotlib()
    from matplotlib import colormaps

    return [int(part) for part in (colormaps[colours](np.linspace(0, 1, steps))[:, :3] * 255).round().ravel()]
