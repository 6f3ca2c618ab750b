"""Leaderboards and comparisons on the console."""

from __future__ import annotations

from collections.abc import Container, Sequence

from fwibench.cli.console.output import errors, print_table
from fwibench.leaderboard.comparison import Comparison
from fwibench.leaderboard.presenting import present
from fwibench.leaderboard.rows import Row
from fwibench.text.readable import printable, shorten, show_number

OPTIONAL = ("closed form", "device", "FLOPs", "MSE", "seeds", "predict [ms]", "fit", "params")
"""What a narrow terminal may lack; never the rank and the interval."""


def print_leaderboard(rows: list[Row], units: dict[str, str], busy: Container[str] = frozenset()) -> None:
    """One table for each group of rows that are ranked together.

    Args:
        rows: Leaderboard rows.
        units: Unit of the property, by dataset as in the rows.
        busy: See `present`.
    """
    for table in present(rows, units, busy):
        print_table(table.title, table.header, table.rows, right=table.right, optional=OPTIONAL)


def print_notes(notes: Sequence[str]) -> None:
    """What to know of the rows, a line each on standard error."""
    for note in notes:
        errors().print(f"note: {printable(shorten(note))}", markup=False, soft_wrap=True)


def print_comparisons(title: str, made: Sequence[Comparison], unit: str, better: str) -> None:
    """A line for each pair.

    Args:
        title: Where they were compared.
        made: The comparisons.
        unit: Of the metric; empty for a pure number.
        better: Which scores are better: `low` or `high`.
    """
    difference = f"difference [{unit}]" if unit else "difference"
    numbers = ("first", "second", difference, "95 %", "p (Holm)", "effect", "n", "seeds")
    header = ("pair", *numbers, "better")
    rows = [_cells(one, better) for one in made]
    print_table(title, header, rows, right=numbers, optional=("first", "second", "seeds"))


def _cells(one: Comparison, better: str) -> list[str]:
    ends = (one.ci_low, one.ci_high)
    return [
        f"{one.method} - {one.other}",
        show_number(one.mean),
        show_number(one.other_mean),
        show_number(one.difference),
        "" if None in ends else " to ".join(map(show_number, ends)),
        show_number(one.p_holm, 3),
        f"{one.effect:+.2f}",
        str(one.n),
        f"{one.seeds} / {one.other_seeds}",
        one.verdict(better),
    ]
