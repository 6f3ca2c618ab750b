"""Style of all figures, for print, screen and greyscale.

Invariant: methods differ in marker or line style, never in colour alone; no text is read as mathematics, so that a `$`
in a name stays a `$`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fwibench.text.readable import printable, show_count, show_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "0.3",
    "axes.formatter.use_mathtext": False,
    "axes.grid": False,
    "axes.labelsize": 8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8,
    "figure.dpi": 150,
    "figure.facecolor": "white",
    "figure.titlesize": 9.5,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "grid.color": "0.85",
    "grid.linewidth": 0.6,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "savefig.dpi": 150,
    "savefig.facecolor": "white",
    "svg.hashsalt": "fwibench",
    "text.parse_math": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
}
# palette of Okabe and Ito without its yellow, from dark to light
PALETTE = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = "osD^vPX<>*hp"
DASHES = ("-", "--", "-.", ":")
MOST_METHODS = 12
"""Number of markers; a figure of more methods leaves out the last ones of the leaderboard and says so."""
WIDEST = 48
"""Characters of a name in a figure, at most."""


def mark(number: int) -> dict[str, Any]:
    """Return colour and marker of the method with this number in the order, from 0."""
    return {"color": PALETTE[number % len(PALETTE)], "marker": MARKERS[number % len(MARKERS)]}


def dash(number: int) -> dict[str, Any]:
    """Return colour and line style of the method with this number in the order, from 0."""
    return {"color": PALETTE[number % len(PALETTE)], "linestyle": DASHES[number % len(DASHES)]}


def plain(text: str, most: int = WIDEST) -> str:
    """Return text from a record in one line of limited length."""
    shown = printable(text)
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."


def wrap(text: str, width: int, lines: int = 3) -> str:
    """Break a text into lines, after a comma, a hyphen or before a bracket where possible.

    Args:
        text: Text from a record.
        width: Characters of a line.
        lines: Lines at most; the rest is cut.
    """
    spaced = printable(text).replace("[", " [").replace(",", ", ").replace("-", "- ")
    rows: list[str] = []
    for part in textwrap.wrap(spaced, width + 2):
        rows.append(part.replace("- ", "-").replace(", ", ",").replace(" [", "["))
    if len(rows) > lines:
        rows = [*rows[: lines - 1], rows[lines - 1][: width - 3] + "..."]
    return "\n".join(rows)


def short_ticks(axes: Axes, which: str) -> None:
    """Write plain numbers on a logarithmic axis: 0.01, 1, 10k, 2M.

    Args:
        axes: The axes.
        which: `x`, `y` or `xy`.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for name in which:
        axis = axes.xaxis if name == "x" else axes.yaxis
        low, high = sorted(axis.get_view_interval())
        decades = high / low if low > 0 else 1e9
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 50 else (1,), numticks=7))
        axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
        axis.set_minor_formatter(NullFormatter())


def tick(value: float) -> str:
    """Return the text of a number beside an axis."""
    if value >= 1e15 or 0 < value < 1e-3:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    if value >= 1e12:
        return f"{value / 1e12:g}T"
    return show_count(value).replace(".00", "") if value >= 1e4 else f"{value:g}"


def number(value: float) -> str:
    """Return a score with three digits, for a sentence or above a map."""
    return f"{value:.3g}" if abs(value) < 1 else show_number(value, 3)


def listed(names: Sequence[str], most: int = 4) -> str:
    """List names in a sentence: a, b and 3 more."""
    shown = [plain(name) for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1]))) if shown else ""
