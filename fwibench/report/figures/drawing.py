"""A figure that is described before it is drawn.

Invariant: the same figure gives the same bytes; its name is safe as a file name, whatever the records hold.
"""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from fwibench.boards.rows import Setting
from fwibench.errors import DataError
from fwibench.plugins.isolation import describe
from fwibench.report.canvas import import_matplotlib
from fwibench.report.figures.style import STYLE, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["png", "svg"]
LONGEST = 100
"""Characters of a file stem, at most."""
LETTERS = 11
"""Characters of a title per inch."""


@dataclass(frozen=True)
class Drawing:
    """A figure that can be drawn.

    Attributes:
        name: File stem; unique among the figures of a folder.
        kind: One of the kinds of figures.
        title: What it shows and where, in a line.
        caption: What it shows, in a sentence or two with numbers; also the alternative text.
        setting: Dataset, source, split, track, profile and tested dataset; a part is empty if the figure shows several.
        draw: Makes the figure.
    """

    name: str
    kind: str
    title: str
    caption: str
    setting: Setting
    draw: Callable[[], Figure]


def render(drawing: Drawing, suffix: Format) -> bytes:
    """Draw a figure as PNG or SVG.

    Args:
        drawing: The figure.
        suffix: The format.

    Raises:
        DataError: It cannot be drawn, such as values of 1e308, which overflow in matplotlib's axes.
    """
    import_matplotlib()
    from matplotlib import rc_context

    stream = io.BytesIO()
    with rc_context(STYLE), warnings.catch_warnings(), np.errstate(all="ignore"):
        # letters that the font lacks become boxes; an axis of a single value is widened
        for known in ("Glyph .* missing from", "Attempting to set identical"):
            warnings.filterwarnings("ignore", known)
        try:
            figure = drawing.draw()
            figure.suptitle(textwrap.fill(drawing.title, int(LETTERS * figure.get_figwidth())))
            figure.savefig(stream, format=suffix, metadata={"Date": None} if suffix == "svg" else None)
        except Exception as error:
            raise DataError(
                f"figure {drawing.name} cannot be drawn: {describe(error)}", "--kind selects other figures"
            ) from error
    return stream.getvalue()


def title(what: str, setting: Setting) -> str:
    """Return the title of a figure.

    Args:
        what: What it shows.
        setting: Of which runs.
    """
    track = "" if setting.track == "standard" else f", track {setting.track}"
    budget = f", {setting.budget}" if setting.budget else ""
    return plain(f"{what}: {setting.place}, split {setting.split}{track}, profile {setting.profile}{budget}", 120)


def stem(*parts: str) -> str:
    """Join words to a file stem of letters, digits, dots and hyphens; never a path or a hidden file."""
    words = re.sub(r"[^a-z0-9.]+", "-", "-".join(filter(None, parts)).lower())
    return words[:LONGEST].strip("-.") or "figure"
