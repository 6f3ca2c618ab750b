"""All columns, for programs.

Invariant: a value that was not measured is empty or null; a text never becomes a formula or a row of a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from fwibench.leaderboard.columns import COLUMNS
from fwibench.text.readable import printable

Rows = Sequence[Mapping[str, Any]]
Units = Mapping[str, str]
FORMULA = ("=", "+", "-", "@")


def as_csv(rows: Rows, units: Units) -> str:
    """Comma-separated; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: inert(value) if isinstance(value, str) else value for name, value in row.items()})
    return text.getvalue()


def as_json(rows: Rows, units: Units) -> str:
    """A list of objects."""
    return json.dumps([dict(row) for row in rows], indent=1) + "\n"


def as_parquet(rows: Rows, units: Units) -> bytes:
    """A table with the types of the columns."""
    import pyarrow
    from pyarrow import parquet

    types = {"text": pyarrow.string(), "integer": pyarrow.int64(), "number": pyarrow.float64()}
    schema = pyarrow.schema([(name, types[column.kind]) for name, column in COLUMNS.items()])
    stream = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist([dict(row) for row in rows], schema), stream)
    return stream.getvalue()


def inert(text: str) -> str:
    """The text in one line without control characters, and with an apostrophe where a spreadsheet sees a formula."""
    line = printable(text)
    return f"'{line}" if line.lstrip().startswith(FORMULA) else line
