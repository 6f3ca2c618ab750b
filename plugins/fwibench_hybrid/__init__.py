"""The method refine: a short waveform inversion that starts from the prediction of another method."""

from __future__ import annotations

from collections.abc import Iterable

from fwibench_baselines.fwi.options import Bands, GoodStartOptions, Iterations, ShotsAtOnce, Warp
from pydantic import Field

from fwibench import MethodSpec, hookimpl


class RefineOptions(GoodStartOptions):
    """Options of refine."""

    base: str = Field(
        default="invlint", description="method whose prediction is the start model; its cell is run or reused"
    )
    # a prediction holds the long waves already
    bands: Bands = "upper"
    shots: ShotsAtOnce = 1
    warp: Warp = 100
    iterations: Iterations = 60


@hookimpl
def fwibench_methods() -> Iterable[MethodSpec]:
    """Return the spec of refine."""
    return [
        MethodSpec(
            name="refine",
            summary="waveform inversion from another method's prediction",
            target="fwibench_hybrid.method:Refine",
            costs="fwibench_baselines.fwi.costs:InversionCosts",
            kind="hybrid",
            options=RefineOptions,
            profiles={"smoke": {"iterations": 2, "warp": 2}},
            physics=("acoustic",),
            devices=("cpu", "cuda"),
            builds_on="base",
            needs_fit=False,
            version="3",
        )
    ]
