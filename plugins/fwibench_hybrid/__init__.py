"""Methods that build on another one: an inversion that starts from its prediction, and an ensemble of its fits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from fwibench_baselines.fwi.options import Bands, GoodStartOptions, Iterations, ShotsAtOnce, Warp
from pydantic import Field, model_validator

from fwibench import Frozen, MethodSpec, hookimpl
from fwibench.specs.method import MOST_SAMPLES


class RefineOptions(GoodStartOptions):
    """Options of refine."""

    base: str = Field(
        default="invlint", description="method whose prediction is the start model; its cell is run or reused"
    )
    # a prediction holds the long waves already
    bands: Bands = "upper"
    prior: Literal["none", "two-phase", "auto", "diffusion"] = Field(
        default="none",
        description="what train maps say; none: nothing, the bending is any smooth displacement; two-phase: bodies of "
        "one high value, such as salt, bend by the modes in which the shapes of train maps differ; auto: two-phase if "
        "the values of train maps cluster at a highest one, else none; diffusion: nodes move towards what a network "
        "that removes noise from train maps makes of a noisy model",
    )
    modes: int = Field(
        default=20, ge=1, description="prior=two-phase: largest number of modes of the shapes, and of the background"
    )
    diffusion_steps: int = Field(
        default=800, ge=1, description="prior=diffusion: training steps of the network, with 8 maps each"
    )
    diffusion_weight: float = Field(
        default=0.1, gt=0, description="prior=diffusion: weight of the penalty in the objective of the nodes"
    )
    shots: ShotsAtOnce = 1
    warp: Warp = 100
    iterations: Iterations = 60

    @model_validator(mode="after")
    def _check_prior(self) -> Self:
        if self.prior in ("two-phase", "auto") and not self.warp:
            raise ValueError(f"prior={self.prior} guides the bending, which warp=0 leaves out")
        if self.prior == "diffusion" and self.optimiser != "adam":
            raise ValueError(f"prior=diffusion draws noise in each iteration, which optimiser={self.optimiser} forbids")
        return self


class EnsembleOptions(Frozen):
    """Options of ensemble."""

    base: str = Field(default="invlint", description="method of the members; their cells are run or reused")
    n: int = Field(
        default=5,
        ge=2,
        le=MOST_SAMPLES,
        description="number of members: those of seed s are the seeds n s to n s + n - 1 of the base",
    )
    calibrated: bool = Field(
        default=True, description="multiply the spread of the members by a factor that is chosen on val"
    )


@hookimpl
def fwibench_methods() -> Iterable[MethodSpec]:
    """Return the specs of refine and ensemble."""
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
            needs_fit_for={"prior": ("two-phase", "auto", "diffusion")},
            version="3",
        ),
        MethodSpec(
            name="ensemble",
            summary="mean of fits of another method with different seeds, whose spread tells the uncertainty",
            reference="Lakshminarayanan, Pritzel and Blundell, Deep ensembles, NeurIPS 2017",
            target="fwibench_hybrid.ensemble:Ensemble",
            kind="hybrid",
            options=EnsembleOptions,
            profiles={"smoke": {"n": 2}},
            measurements=("seismic", "em"),
            devices=("cpu", "cuda"),
            builds_on="base",
            members="n",
        ),
    ]
