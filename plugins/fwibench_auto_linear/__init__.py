"""The plugin of Auto-Linear: spec and options; the network is imported when it is built."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from fwibench_baselines import Log
from pydantic import Field, PositiveFloat, model_validator

from fwibench import MethodSpec, TrainingOptions, hookimpl
from fwibench.specs.method import BatchSize, FirstMoment
from fwibench_auto_linear.published import AUTO_LINEAR


class AutoLinearOptions(TrainingOptions):
    """Options of Auto-Linear.

    Its sizes and its training were not available to this suite. The defaults are those that HINT, of the same group,
    has on OpenFWI (arXiv 2410.08498), and where that is not known either the usual ones of masked autoencoders.
    """

    batch_size: BatchSize = 64
    beta1: FirstMoment = 0.9
    weight_decay: float = Field(default=0.05, ge=0, description="decoupled weight decay")
    log: Log = True
    measurement_patches: int = Field(
        default=70, ge=2, description="approximate number of patches of a measurement, 10 in time for 7 along receivers"
    )
    map_patches: int = Field(default=49, ge=2, description="approximate number of patches of a map, about square")
    masking: float = Field(
        default=0.75, ge=0, lt=1, description="share of the patches that training hides from the encoders"
    )
    latent: int = Field(default=16, ge=1, description="number of entries of the latent of a patch")
    width: int = Field(default=512, ge=1, description="number of channels of a patch in the transformers")
    heads: int = Field(default=16, ge=1, description="number of attention heads; divides `width`")
    layers: int = Field(default=3, ge=1, description="number of transformer blocks of each encoder")
    decoder_layers: int = Field(default=1, ge=1, description="number of transformer blocks of each decoder")
    alpha: PositiveFloat | Literal["val"] = Field(
        default="val", description="penalty of the ridge regressions between latents, or 'val' to choose it on val"
    )
    rank: int | None = Field(
        default=None, ge=1, description="largest rank of the linear maps between latents; None: no limit"
    )

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width={self.width} is no multiple of heads={self.heads}")
        return self


SPEC = MethodSpec(
    name="auto-linear",
    version="1",
    summary="two masked autoencoders, joined by a linear map in closed form (ICML 2024)",
    reference="Feng et al., Auto-Linear Phenomenon in Subsurface Imaging, ICML 2024",
    target="fwibench_auto_linear.method:AutoLinear",
    costs="fwibench_auto_linear.costs:AutoLinearCosts",
    kind="learned",
    options=AutoLinearOptions,
    profiles={
        "smoke": {"epochs": 2, "batch_size": 8, "width": 32, "heads": 2, "layers": 1, "latent": 4},
        "quick": {
            "epochs": 200,
            "max_batches": 3000,
            "batch_size": 8,
            "learning_rate": 3e-3,
            "schedule": "one-cycle",
            "masking": 0.25,
            "width": 128,
            "heads": 4,
            "layers": 2,
        },
        "paper": {"min_batches": 45000, "schedule": "one-cycle"},
    },
    measurements=("seismic", "em"),
    devices=("cpu", "cuda"),
    published=AUTO_LINEAR,
)


@hookimpl
def fwibench_methods() -> Iterable[MethodSpec]:
    """Return the spec of Auto-Linear."""
    return [SPEC]
