"""Leaderboards and comparisons on the console."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from fwibench.boards.pairwise import Compared, Comparison
from fwibench.boards.rows import Row
from fwibench.boards.tables import make_tables
from fwibench.cli.console.output import errors, print_table
from fwibench.text.readable import printable, shorten, show_number


def print_leaderboard(rows: Sequence[Row]) -> None:
    """Print one table for each group of rows that are ranked together.

    Args:
        rows: Leaderboard rows, group by group.
    """
    for table in make_tables(rows):
        print_table(table.title, table.header, table.rows, right=table.right, optional=table.optional)


def print_notes(notes: Sequence[str]) -> None:
    """Print notes on the rows, a line each on standard error."""
    for note in notes:
        errors().print(f"note: {printable(shorten(note))}", markup=False, soft_wrap=True)


def print_comparisons(title: str, made: Sequence[Comparison], unit: str, order: Callable[[float], float]) -> None:
    """Print a line for each pair.

    Args:
        title: Where they were compared.
        made: The comparisons.
        unit: Unit of the scores; empty for a pure number.
        order: Returns a number that is the lower the better a score is.
    """
    difference = f"difference [{unit}]" if unit else "difference"
    grouped = any(one.groups != one.n for one in made)
    numbers = ("first", "second", difference, "95 %", "p (Holm)", "effect", "n", *["groups"] * grouped, "seeds")
    header = ("pair", *numbers, "better")
    rows = [_cells(one, order, grouped=grouped) for one in made]
    print_table(title, header, rows, right=numbers, optional=("first", "second", "seeds"))


def _cells(one: Comparison, order: Callable[[float], float], *, grouped: bool) -> list[str]:
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
        *[str(one.groups)] * grouped,
        f"{one.seeds} / {one.other_seeds}",
        one.verdict(order),
    ]


def print_compared(compared: Sequence[Compared]) -> None:
    """Print one table for each setting in which methods were compared."""
    for one in compared:
        title = f"{one.setting.title}: {one.column.metric}, {one.column.direction}"
        print_comparisons(title, one.comparisons, one.unit, one.column.order)


def compared_as_json(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """Return comparisons as plain data, one entry for each pair."""
    return [
        {**one.setting._asdict(), "unit": one.unit, **asdict(pair), "better": pair.verdict(one.column.order)}
        for one in compared
        for pair in one.comparisons
    ]
