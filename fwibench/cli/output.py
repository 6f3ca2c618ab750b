"""How things are shown: Rich on a terminal, plain lines in a pipe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fwibench.datasets.user.description import read_descriptions
from fwibench.plugins.guard import keep_stdout_to_the_end
from fwibench.plugins.plugin import Plugin
from fwibench.plugins.registry import Registry, load_registry
from fwibench.text.readable import printable, shorten

Cells = Sequence[str]


class _Console(Console):
    """A console whose lines never command the terminal, whatever the texts in them hold."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As Rich's; line breaks are kept."""
        super().print(*(_harmless(one) if isinstance(one, str) else one for one in objects), **options)


def _harmless(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


@cache
def console() -> Console:
    """Standard output. What is printed stands as it is: square brackets in names and paths are no markup."""
    return _Console(highlight=False, markup=False)


@cache
def errors() -> Console:
    """Standard error: progress, warnings, errors."""
    return _Console(stderr=True, highlight=False)


def warn(text: str) -> None:
    """One line on standard error."""
    errors().print(f"[yellow]warning:[/] {escape(printable(shorten(text)))}", soft_wrap=True)


def print_error(message: str, hint: str) -> None:
    """An error and, where there is any, the advice, on standard error."""
    errors().print(f"[bold red]error:[/] {escape(shorten(message))}", soft_wrap=True)
    if hint:
        errors().print(f"[bold]hint:[/] {escape(shorten(hint))}", soft_wrap=True)


def open_registry(*, check: bool = True) -> Registry:
    """Loads all plugins; a broken one is said in one line, so is one that uses a deprecated API.

    Args:
        check: Whether the user's wishes about plugins must be met.

    Raises:
        UsageError: They are not, or the plugins asked for are not there.
    """
    registry = load_registry()
    keep_stdout_to_the_end()
    strict = check and registry.settings.strict
    for plugin in registry.plugins:
        if plugin.broken and not strict:
            warn_broken(plugin)
        if plugin.notices:
            more = f" (and {len(plugin.notices) - 1} more)" if len(plugin.notices) > 1 else ""
            warn(f"plugin {plugin.name} ({plugin.origin}) is deprecated: {plugin.notices[0]}{more}")
    if check:
        registry.check()
    for path, reason in read_descriptions()[1].items():
        if path.suffix != ".json":
            warn(f"added datasets are not known, {path} cannot be read: {reason}; FWIBENCH_DATA names another folder")
            continue
        warn(f"added dataset {path.stem} is skipped, {path} cannot be read: {reason}; fwibench data remove {path.stem}")
    return registry


def working(text: str) -> AbstractContextManager[Any]:
    """Say on a terminal what goes on until the block ends."""
    return errors().status(escape(text)) if errors().is_terminal else nullcontext()


def warn_broken(plugin: Plugin) -> None:
    """One line on a broken plugin."""
    warn(f"plugin {plugin.name} ({plugin.origin}) is {plugin.verdict}; fwibench plugins list -v tells more")


def print_json(value: Any) -> None:
    """JSON on standard output."""
    # Rich would take as long over a thousand rows as all the rest
    console().file.write(json.dumps(value, indent=1, default=str) + "\n")


def print_table(
    title: str, header: Cells, rows: Sequence[Cells], right: Sequence[str] = (), optional: Sequence[str] = ()
) -> None:
    """A table: boxed on a terminal, aligned lines in a pipe.

    Args:
        title: What it shows; empty for none.
        header: Names of the columns.
        rows: Texts; all as long as the header.
        right: Columns that hold numbers and are aligned to the right.
        optional: Columns that a narrow terminal may leave out, the first one first.
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
            console().print(f"not shown on a terminal this narrow: {', '.join(left_out)}", style="dim")
        return
    if title:
        console().print(title, markup=False, soft_wrap=True)
    for line in lines if any(header) else rows:
        cells = (c.rjust(w) if name in right else c.ljust(w) for c, name, w in zip(line, header, widths, strict=True))
        console().print("  ".join(cells).rstrip(), markup=False, soft_wrap=True)


def _left_out(widths: dict[str, int], optional: Sequence[str]) -> list[str]:
    """Columns to leave out so that the rest fits the terminal; a column costs its width and a border of 3."""
    left_out: list[str] = []
    for name in optional:
        if sum(width + 3 for column, width in widths.items() if column not in left_out) < console().width:
            break
        left_out.append(name)
    return left_out
