"""Specs of metrics."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from fwibench.specs.base import Spec

View = Literal["table", "page"]
Pooling = Literal["mean", "root-mean-square"]
Better = Literal["low", "high", "near"]
TABLE_COLUMNS = ("id", "group")
"""Names of the columns of a table of scores that are not metrics."""


class MetricSpec(Spec):
    """Spec of a metric.

    `target` is a pure function `(prediction, truth, problem) -> scores` from maps `(n, 1, Z, X)` in physical units to
    one score per sample `(n,)`; an undefined score is NaN. A metric that compares measurements receives the recorded
    ones `(n, S, T, R)` instead of the true maps. A metric that scores samples receives `(m, n, 1, Z, X)` instead of the
    prediction, see `Method.predict_samples`; it has no score of methods that draw none.

    Leaderboards, comparisons, exports and reports show a metric as its spec declares; their code names no metric.
    """

    compares: Literal["property", "measurement"] = Field(
        default="property", description="reference of the prediction: true maps or recorded measurements"
    )

    scores: Literal["prediction", "samples"] = Field(
        default="prediction", description="what is scored: the predicted map, or samples of the prediction"
    )
    better: Better = Field(description="direction of improvement; `near`: scores near `best` are better")
    best: float | None = Field(
        default=None, description="best score, for `better='near'`, such as the nominal coverage of an interval"
    )
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

    @model_validator(mode="after")
    def _has_best_where_near(self) -> Self:
        if (self.better == "near") != (self.best is not None):
            raise ValueError("better='near' and best belong together: set both or neither")
        if self.better == "near" and self.ranks:
            raise ValueError("a metric that ranks has better='low' or better='high'")
        return self

    @property
    def direction(self) -> str:
        """Direction of improvement in words, such as `low is better`."""
        return describe_direction(self.better, self.best)

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


def describe_direction(better: Better, best: float | None) -> str:
    """Return which scores are better, in words.

    Args:
        better: Direction of improvement.
        best: Best score, where scores near it are better.
    """
    return f"{better} is better" if best is None else f"near {best:g} is better"
