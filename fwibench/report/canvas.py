"""matplotlib without a window: figures have their own canvas, whatever backend the environment names."""

from __future__ import annotations

import base64
import io
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BACKEND = "MPLBACKEND"


def import_matplotlib() -> None:
    """Import matplotlib; called before any other import of it.

    Notebooks export `MPLBACKEND` to the commands that they start, and importing matplotlib fails if that backend is not
    installed here or is unknown to this version.
    """
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop(BACKEND, None)
    try:
        import matplotlib  # noqa: F401
    finally:
        if backend is not None:
            os.environ[BACKEND] = backend


def new_figure(**options: Any) -> Figure:
    """Return an empty figure that draws with Agg.

    Args:
        options: Options of matplotlib's `Figure`.
    """
    import_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure: Figure = _notebook_figure()(**options)
    FigureCanvasAgg(figure)
    return figure


def render(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    stream = io.BytesIO()
    # values far beyond the colour scale overflow in matplotlib; they are drawn in its last colour
    with np.errstate(all="ignore"):
        figure.savefig(stream, dpi=100)
    return stream.getvalue()


def as_uri(content: bytes, kind: str) -> str:
    """Return content as a data URI.

    Args:
        content: The bytes.
        kind: Media type, such as `image/png`.
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@cache
def _notebook_figure() -> type[Figure]:
    """Return a class of figures that notebooks show without pyplot."""
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        def _repr_png_(self) -> bytes:
            return render(self)

    return NotebookFigure
