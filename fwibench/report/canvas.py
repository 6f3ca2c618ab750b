"""matplotlib without a window: figures have a canvas of their own, whatever backend the environment names."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BACKEND = "MPLBACKEND"


def import_matplotlib() -> None:
    """Imports matplotlib; called before any other import of it.

    Notebooks export `MPLBACKEND` to the commands that they start, and with a backend that is not installed here, or of
    which this matplotlib does not know, its import fails.
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
    """An empty figure that draws with Agg; the options are those of matplotlib's `Figure`."""
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
