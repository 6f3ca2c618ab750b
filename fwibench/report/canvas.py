"""matplotlib without a window: figures have their own canvas, whatever backend the environment names."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

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
    from matplotlib.figure import Figure

    class Picture(Figure):
        """A figure that notebooks show without pyplot."""

        def _repr_png_(self) -> bytes:
            stream = io.BytesIO()
            self.savefig(stream)
            return stream.getvalue()

    figure = Picture(**options)
    FigureCanvasAgg(figure)
    return figure
