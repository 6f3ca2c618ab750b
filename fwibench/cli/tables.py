"""Leaderboards and comparisons on the console."""

from __future__ import annotations

from collections.abc import Sequence

from fwibench.cli.output import errors, print_table
from fwibench.leaderboard.comparison import Comparison
from fwibench.leaderboard.presenting import present
from fwibench.leaderboard.rows import Row
from fwibench.readable import printable, show_number

OPTIONAL = ("closed form", "device", "seeds", "MSE", "FLOPs", "95 %", "rank")


def print_leaderboard(rows: list[Row], units: dict[str, str]) -> None:
    """One table for each group of rows that are ranked together.

    Args:
        rows: Leaderboard rows.
        units: Unit of the property, by dataset as in the rows.
    """
    for table in present(rows, units):
        print_table(table.title, table.header, table.rows, right=table.right, optional=OPTIONAL)


def print_notes(notes: Sequence[str]) -> None:
    """What to know of the rows, a line each on standard error."""
    for note in notes:
        errors().print(f"note: {printable(note)}", markup=False, soft_wrap=True)


def print_comparisons(title: str, made: Sequence[Comparison], unit: str, better: str) -> None:
    """A line for each pair.

    Args:
        title: Where they were compared.
        made: The comparisons.
        unit: Of the metric; empty for a pure number.
        better: Which scores are better: `low` or `high`.
    """
    difference = f"difference [{unit}]" if unit else "difference"
    numbers = ("first", "second", difference, "95 %", "p (Holm)", "effect", "n")
    header = ("pair", *numbers, "better")
    print_table(title, header, [_cells(one, better) for one in made], right=numbers, optional=("first", "second"))


def _cells(one: Comparison, better: str) -> list[str]:
    lower = one.method if one.effect < 0 else one.other
    higher = one.other if one.effect < 0 else one.method
    winner = lower if better == "low" else higher
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
        winner if one.told_apart else "not told apart",
    ]
