"""refine: a short waveform inversion that starts from any other method's prediction."""

from __future__ import annotations

from collections.abc import Iterable

from fwibench_baselines.fwi.options import GoodStartOptions
from pydantic import Field

from fwibench import MethodSpec, hookimpl


class RefineOptions(GoodStartOptions):
    """Options of refine."""

    base: str = Field(default="invlint", description="method whose prediction is the start; its cell is run or reused")
    bands: str = Field(default="upper", description="as in multiscale-fwi; a base has the long waves already")
    warp: int = Field(
        default=100, ge=0, description="iterations of each band by which the start is bent before its nodes are changed"
    )
    iterations: int = Field(default=60, ge=1, description="of each band")


@hookimpl
def fwibench_methods() -> Iterable[MethodSpec]:
    """The hybrid."""
    return [
        MethodSpec(
            name="refine",
            summary="waveform inversion from another method's prediction",
            target="fwibench_hybrid.method:Refine",
            kind="hybrid",
            options=RefineOptions,
            profiles={"smoke": {"iterations": 2, "warp": 2}},
            physics=("acoustic",),
            devices=("cpu", "cuda"),
            builds_on="base",
            needs_fit=False,
            version="2",
        )
    ]
