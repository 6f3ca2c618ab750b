"""Printing of lines, warnings, errors, JSON and tables: with Rich on a terminal, as plain lines in a pipe."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fwibench.errors import ProblemError
from fwibench.text.readable import printable, shorten

Cells = Sequence[str]


class _Console(Console):
    """A console that replaces control characters, so that names and messages cannot send codes to the terminal."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as `rich.console.Console` does, without control characters except line breaks."""
        super().print(*(_harmless(one) if isinstance(one, str) else one for one in objects), **options)


def _harmless(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


@cache
def console() -> Console:
    """Return the console of standard output; it prints square brackets in names and paths instead of reading markup."""
    return _Console(highlight=False, markup=False)


@cache
def errors() -> Console:
    """Return the console of standard error: progress, warnings and errors."""
    return _Console(stderr=True, highlight=False)


def print_line(text: str) -> None:
    """Print a text on standard output; lines are not wrapped, so that paths and commands can be copied."""
    console().print(text, soft_wrap=True)


def warn(text: str) -> None:
    """Print a warning in one line on standard error."""
    errors().print(f"[yellow]warning:[/] {escape(printable(shorten(text)))}", soft_wrap=True)


def warn_each(warnings: Iterable[str], *, strict: bool) -> None:
    """Print each warning in one line on standard error.

    Raises:
        ProblemError: `strict` is set and there is a warning.
    """
    for line in warnings:
        if strict:
            raise ProblemError(line, "leave out --strict to continue in spite of it")
        warn(line)


def print_error(message: str, hint: str) -> None:
    """Print an error on standard error, followed by the hint unless it is empty."""
    errors().print(f"[bold red]error:[/] {escape(shorten(message))}", soft_wrap=True)
    if hint:
        errors().print(f"[bold]hint:[/] {escape(shorten(hint))}", soft_wrap=True)


def working(text: str) -> AbstractContextManager[Any]:
    """Show on a terminal what is being done until the block ends."""
    return errors().status(escape(text)) if errors().is_terminal else nullcontext()


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    # Rich takes as long to print a thousand rows as the rest of the command
    console().file.write(json.dumps(value, indent=1, default=str) + "\n")


def print_table(
    title: str, header: Cells, rows: Sequence[Cells], right: Sequence[str] = (), optional: Sequence[str] = ()
) -> None:
    """Print a table: with borders on a terminal, as aligned columns in a pipe.

    Args:
        title: Title; empty for none.
        header: Names of the columns.
        rows: Texts of the cells; each row has the length of the header.
        right: Names of columns that are aligned to the right.
        optional: Names of columns that are left out on a narrow terminal, in this order.
    """
    title, rows = printable(title), [[printable(shorten(cell)) for cell in row] for row in rows]
    header, right, optional = ([*map(printable, names)] for names in (header, right, optional))
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    if console().is_terminal:
        left_out = _left_out(dict(zip(header, widths, strict=True)), optional)
        shown = [i for i, name in enumerate(header) if name not in left_out]
        table = Table(title=title or None, title_justify="left", show_header=any(header))
        for i in shown:
            table.add_column(header[i], justify="right" if header[i] in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(row[i] for i in shown))
        console().print(table)
        if left_out:
            console().print(f"columns left out on this narrow terminal: {', '.join(left_out)}", style="dim")
        return
    if title:
        print_line(title)
    for line in lines if any(header) else rows:
        cells = (c.rjust(w) if name in right else c.ljust(w) for c, name, w in zip(line, header, widths, strict=True))
        print_line("  ".join(cells).rstrip())


def _left_out(widths: dict[str, int], optional: Sequence[str]) -> list[str]:
    """Return the columns to leave out so that the others fit the terminal; each takes 3 characters for its border."""
    left_out: list[str] = []
    for name in optional:
        if sum(width + 3 for column, width in widths.items() if column not in left_out) < console().width:
            break
        left_out.append(name)
    return left_out
