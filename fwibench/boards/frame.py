"""The leaderboard as a pandas table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fwibench.boards.rows import Row

if TYPE_CHECKING:
    import pandas

TYPES = {"text": "string", "integer": "Int64", "number": "float64"}
"""pandas' type of each kind of column."""


def to_frame(rows: Sequence[Row]) -> pandas.DataFrame:
    """Return rows as a data frame, one line a row, with the columns of docs/guide/leaderboard.md in their order.

    Args:
        rows: Rows of one leaderboard.

    Returns:
        Texts are `string`, integers the nullable `Int64` and numbers `float64`; what was not measured is missing. The
        frame of no rows is empty.
    """
    import pandas

    columns = rows[0].columns if rows else ()
    return pandas.DataFrame(
        {column.key: pandas.array([row[column.key] for row in rows], dtype=TYPES[column.kind]) for column in columns}
    )
