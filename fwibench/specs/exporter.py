"""Specs of exporters of leaderboards."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fwibench.specs.base import Spec


class ExporterSpec(Spec):
    """Spec of an exporter.

    `target` is a pure function `(rows, units) -> str | bytes` that returns the content of the file. `rows` is a list of
    dictionaries with the columns of docs/guide/leaderboard.md in their order, None where nothing was measured; `units`
    is the property's unit by dataset, as the column `dataset` names it. With `takes="rows"` it is
    `(rows) -> str | bytes`; such rows are mappings that also hold their unit and the titles and types of their
    columns, and `fwibench.boards.frame.to_frame` converts them to a pandas table.
    """

    needs: tuple[str, ...] = Field(default=(), description="modules that must be installed, such as pyarrow")
    suffix: str = Field(pattern=r"^\.[a-z0-9]+$", description="suffix of the files, such as .csv")
    takes: Literal["dictionaries", "rows"] = Field(default="dictionaries", description="argument of `target`")
