"""All columns, for programs.

Invariant: a value that was not measured is empty or null; a text never becomes a formula or a row of a spreadsheet.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

from fwibench.boards.frame import to_frame
from fwibench.boards.rows import Row
from fwibench.text.readable import printable

FORMULA = ("=", "+", "-", "@")


def as_csv(rows: Sequence[Row]) -> str:
    """Return comma-separated values; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    frame = to_frame(rows)
    texts = frame.select_dtypes("string").columns
    frame[texts] = frame[texts].map(inert, na_action="ignore")
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def as_json(rows: Sequence[Row]) -> str:
    """Return a list of objects."""
    return json.dumps([dict(row) for row in rows], indent=1) + "\n"


def as_parquet(rows: Sequence[Row]) -> bytes:
    """Return a table with the types of the columns."""
    stream = io.BytesIO()
    to_frame(rows).to_parquet(stream, index=False)
    return stream.getvalue()


def inert(text: str) -> str:
    """Return the text in one line without control characters, with an apostrophe before what looks like a formula."""
    line = printable(text)
    return f"'{line}" if line.lstrip().startswith(FORMULA) else line
