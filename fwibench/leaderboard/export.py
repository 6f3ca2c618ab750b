"""Leaderboards as files; the suffix says the format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

from fwibench.errors import UsageError
from fwibench.files import write_text
from fwibench.leaderboard.rows import COLUMNS, Row


def as_csv(rows: list[Row]) -> str:
    """Comma-separated, all columns, a value that was not measured empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json(rows: list[Row]) -> str:
    """A list of objects, a value that was not measured null."""
    return json.dumps(rows, indent=1) + "\n"


FORMATS: dict[str, Callable[[list[Row]], str]] = {".csv": as_csv, ".json": as_json}


def export(rows: list[Row], path: Path) -> None:
    """Writes rows to `path`, atomically.

    Raises:
        UsageError: The suffix names no known format.
    """
    check_format(path)
    write_text(path, FORMATS[path.suffix](rows))


def check_format(path: Path) -> None:
    """Raises `UsageError` unless the suffix names a format; asked before any work is done."""
    if path.suffix not in FORMATS:
        raise UsageError(
            f"cannot export to '{path}': there is no format '{path.suffix}'", f"formats are {', '.join(FORMATS)}"
        )
