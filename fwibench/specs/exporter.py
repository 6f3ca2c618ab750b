"""What an exporter of leaderboards says of itself."""

from __future__ import annotations

from pydantic import Field

from fwibench.specs.base import Spec


class ExporterSpec(Spec):
    """Spec of an exporter.

    `target` is a pure function `(rows, units) -> text or bytes`: a sequence of mappings, all with the columns of
    docs/leaderboard.md in their order, None where nothing was measured; and the property's unit by dataset, as the
    column `dataset` names it. It returns the content of the file.
    """

    needs: tuple[str, ...] = Field(default=(), description="modules that must be installed for it, such as pyarrow")
    suffix: str = Field(pattern=r"^\.[a-z0-9]+$", description="of the files that it makes, such as .csv")
