"""Specs of exporters of leaderboards."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fwibench.specs.base import Spec


class ExporterSpec(Spec):
    """Spec of an exporter.

    `target` is a pure function `(rows, units) -> text or bytes`: a list of dictionaries, all with the columns of
    docs/leaderboard.md in their order, None where nothing was measured; and the property's unit by dataset, as the
    column `dataset` names it. It returns the content of the file. With `takes="rows"` it is `(rows) -> text or bytes`:
    rows are mappings that also know their unit and the titles and types of their columns, and
    `fwibench.boards.frame.to_frame` makes a pandas table of them.
    """

    needs: tuple[str, ...] = Field(default=(), description="modules that must be installed for it, such as pyarrow")
    suffix: str = Field(pattern=r"^\.[a-z0-9]+$", description="suffix of the files that it makes, such as .csv")
    takes: Literal["dictionaries", "rows"] = Field(default="dictionaries", description="what `target` is given")
