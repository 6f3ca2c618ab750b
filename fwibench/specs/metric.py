"""Specs of metrics."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fwibench.specs.base import Spec

View = Literal["table", "page"]


class MetricSpec(Spec):
    """Spec of a metric.

    `target` is a pure function `(prediction, truth, problem) -> scores`: maps `(n, 1, Z, X)` in physical
    units in, one score a sample `(n,)` out. A score that does not exist is NaN. A metric that compares
    measurements gets those, `(n, S, T, R)`, instead of the true maps.

    Leaderboards, comparisons, exports and reports show a metric as its spec says; no code of theirs names one.
    """

    compares: Literal["property", "measurement"] = Field(
        default="property", description="what the prediction is compared with"
    )

    better: Literal["low", "high"] = Field(description="direction of improvement")
    unit: str = Field(
        default="", description="'property', 'property^2', a unit such as 's', or empty for a pure number"
    )
    default: bool = Field(default=True, description="computed without being asked for")
    title: str = Field(default="", description="name in tables and figures, such as MAE; empty: the name")
    shown: tuple[View, ...] = Field(
        default=("table", "page"),
        description="where its column is shown at first: `table` is the console and text exports, `page` the report. "
        "Exports for programs always have it",
    )
    stable: bool = Field(
        default=False,
        description="whether its column stands among the columns of fixed order; heeded of metrics of fwibench itself",
    )
    ranks: bool = Field(
        default=False, description="whether methods are ranked by it; the first metric that says so ranks"
    )

    @property
    def label(self) -> str:
        """Name in tables and figures."""
        return self.title or self.name

    def unit_of(self, property_unit: str) -> str:
        """Return the unit of the scores, empty for a pure number.

        Args:
            property_unit: Unit of the property, such as m/s; empty if it is not known.
        """
        if self.unit not in ("property", "property^2"):
            return self.unit
        return f"({property_unit})^2" if property_unit and self.unit == "property^2" else property_unit
