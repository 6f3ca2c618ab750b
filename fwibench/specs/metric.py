"""Specs of metrics."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from fwibench.specs.base import Spec

View = Literal["table", "page"]
Pooling = Literal["mean", "root-mean-square"]
TABLE_COLUMNS = ("id", "group")
"""Names of the columns of a table of scores that are not metrics."""


class MetricSpec(Spec):
    """Spec of a metric.

    `target` is a pure function `(prediction, truth, problem) -> scores` from maps `(n, 1, Z, X)` in physical units to
    one score per sample `(n,)`; an undefined score is NaN. A metric that compares measurements receives the recorded
    ones `(n, S, T, R)` instead of the true maps.

    Leaderboards, comparisons, exports and reports show a metric as its spec declares; their code names no metric.
    """

    compares: Literal["property", "measurement"] = Field(
        default="property", description="reference of the prediction: true maps or recorded measurements"
    )

    better: Literal["low", "high"] = Field(description="direction of improvement")
    unit: str = Field(
        default="", description="'property', 'property^2', a unit such as 's', or empty for a dimensionless score"
    )
    default: bool = Field(default=True, description="whether it is computed without being selected")
    title: str = Field(default="", description="title in tables and figures, such as MAE; empty: the name")
    shown: tuple[View, ...] = Field(
        default=("table", "page"),
        description="views that show its column by default: `table` is the console and text exports, `page` the "
        "report; exports for programs always contain it",
    )
    stable: bool = Field(
        default=False,
        description="whether its column is among the columns of fixed order; only for built-in metrics",
    )
    ranks: bool = Field(default=False, description="whether methods are ranked by it; the first such metric is used")
    pooling: Pooling = Field(
        default="mean",
        description="how the scores of samples, and of seeds, become one: their mean, or the root of the mean of their "
        "squares, such as of an RMSE, which then is that of all nodes of all samples",
    )

    @field_validator("name")
    @classmethod
    def _is_no_table_column(cls, name: str) -> str:
        if name in TABLE_COLUMNS:
            raise ValueError(f"{' and '.join(TABLE_COLUMNS)} are columns of scores.csv, choose another name")
        return name

    @property
    def label(self) -> str:
        """Title in tables and figures."""
        return self.title or self.name

    def unit_of(self, property_unit: str) -> str:
        """Return the unit of the scores; empty for a dimensionless score.

        Args:
            property_unit: Unit of the property, such as m/s; empty if it is not known.
        """
        if self.unit not in ("property", "property^2"):
            return self.unit
        return f"({property_unit})^2" if property_unit and self.unit == "property^2" else property_unit
