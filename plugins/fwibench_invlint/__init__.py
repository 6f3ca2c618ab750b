"""The plugin of InvLINT: spec and options; the network is imported when it is built."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field, PositiveFloat

from fwibench import MethodSpec, TrainingOptions, hookimpl
from fwibench_invlint.published import INVLINT

EncoderKernel = Literal["sin-t", "sin-t*sin-x", "sin-t*cos-x", "cos-t*sin-x", "sin(x+t)", "sin-t+sin-x"]
PropertyKernel = Literal[
    "gaussian", "sinc", "gaussian/3", "sin-x*sin-z", "cos-x*sin-z", "sin-x*cos-z", "sin(x+z)", "sin-x+sin-z"
]
Decoder = Literal["transformer", "conv", "deconv", "deconv-x5", "up-x5"]


class InvLINTOptions(TrainingOptions):
    """Options of InvLINT; the defaults are those of sections 3.2, 3.3 and 4.1.2 of the paper.

    The effect of `alpha` depends on `scaling`: `sum` adds the time samples of the normalised, receiver-averaged data;
    `integral` divides the sum by their number; `standard` scales every entry of U to unit variance over the train
    split.
    """

    encoder_kernel: EncoderKernel = Field(
        default="sin-t", description="kernel of the measurement (table 2); EM data are not integrated"
    )
    kernels: int | None = Field(
        default=None, ge=1, description="number of kernels per source; None: 2048 / S, rounded up"
    )
    property_kernel: PropertyKernel = Field(default="gaussian", description="kernel of the property (table 3)")
    embedding: int = Field(default=512, ge=1, description="approximate number of kernels of the property (M)")
    scaling: Literal["sum", "integral", "standard"] = Field(
        default="sum", description="scaling of U before the ridge regression"
    )
    alpha: PositiveFloat | Literal["val"] = Field(
        default=1.0, description="penalty of the ridge regression, or 'val' to choose it on val"
    )
    decoder: Decoder = Field(default="transformer", description="type of the decoder (table 4)")
    width: int = Field(default=256, ge=1, description="number of channels of a token")
    heads: int = Field(default=8, ge=1, description="number of attention heads")
    mlp: int = Field(default=1024, ge=1, description="number of hidden units of the transformer's MLP")
    layers: int = Field(default=1, ge=0, description="number of transformer blocks (table 5)")
    shared: bool = Field(
        default=True, description="whether all tokens share the last linear layer; otherwise table 5's multi-linear"
    )


SPEC = MethodSpec(
    name="invlint",
    summary="near-linear relation between integral transforms, one transformer block (ICML 2022)",
    reference="Feng et al., An Intriguing Property of Geophysics Inversion, ICML 2022",
    target="fwibench_invlint.method:InvLINT",
    costs="fwibench_invlint.costs:InvLINTCosts",
    kind="learned",
    options=InvLINTOptions,
    profiles={
        "smoke": {"epochs": 20, "batch_size": 16, "alpha": "val"},
        "quick": {"epochs": 1000, "max_batches": 4000, "batch_size": 32, "alpha": "val", "schedule": "one-cycle"},
        "paper": {"min_batches": 10235, "schedule": "cosine-restarts"},
    },
    measurements=("seismic", "em"),
    devices=("cpu", "cuda"),
    published=INVLINT,
)


@hookimpl
def fwibench_methods() -> Iterable[MethodSpec]:
    """Return the spec of InvLINT."""
    return [SPEC]
