"""What a metric says of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fwibench.specs.base import Spec


class MetricSpec(Spec):
    """Spec of a metric.

    `target` is a pure function `(prediction, truth, problem) -> scores`: maps `(n, 1, Z, X)` in physical
    units in, one score a sample `(n,)` out. A score that does not exist is NaN. A metric that compares
    measurements gets those, `(n, S, T, R)`, instead of the true maps.
    """

    compares: Literal["property", "measurement"] = Field(
        default="property", description="what the prediction is held against"
    )

    better: Literal["low", "high"] = Field(description="direction of improvement")
    unit: str = Field(default="", description="'property', 'property^2', or empty for a pure number")
    default: bool = Field(default=True, description="computed without being asked for")
