"""The plugin of InvLINT: spec and options; the network is imported when it is built."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from fwibench import MethodSpec, Problem, TrainingOptions, hookimpl
from fwibench_invlint.published import INVLINT

EncoderKernel = Literal[
    "sin-t", "sin-t*sin-x", "sin-t*cos-x", "cos-t*sin-x", "sin(x+t)", "sin-t+sin-x", "random-t", "raw"
]
PropertyKernel = Literal[
    "gaussian",
    "sinc",
    "sinc-product",
    "gaussian/3",
    "sin-x*sin-z",
    "cos-x*sin-z",
    "sin-x*cos-z",
    "sin(x+z)",
    "sin-x+sin-z",
]
Decoder = Literal["transformer", "conv", "deconv", "deconv-x5", "up-x5"]

KERNELS_TOTAL = 2048
"""Number of kernels of all sources (N) in table 8."""
RAW_ENTRIES = 8192
"""Largest length of U without kernels: the matrix of the regression then takes half a gigabyte."""
SEISMIC_ONLY = ("encoder_kernel", "kernels", "kernels_total")
"""Options without effect on EM data, which are not integrated (section 4.1.2)."""


class InvLINTOptions(TrainingOptions):
    """Options of InvLINT; the defaults are those of sections 3.2, 3.3 and 4.1.2 of the paper.

    The effect of `alpha` depends on `scaling`: `sum` adds the time samples of the normalised, receiver-averaged data;
    `integral` divides the sum by their number; `standard` scales every entry of U to unit variance over the train
    split.
    """

    encoder_kernel: EncoderKernel = Field(
        default="sin-t",
        description="kernel of the measurement (table 2), or a control: random-t, Gaussian random functions of time; "
        "raw, no kernel: U is the normalised measurement, in block averages where it has more entries than `kernels` "
        f"or `kernels_total` (neither: {RAW_ENTRIES} in all). Seismic data only",
    )
    kernels: int | None = Field(
        default=None, ge=1, description="number of kernels per source; None: as `kernels_total`. Seismic data only"
    )
    kernels_total: int | None = Field(
        default=None,
        ge=1,
        description="number of kernels of all sources (N), rounded up to the same number per source; None: "
        f"{KERNELS_TOTAL}. Seismic data only",
    )
    property_kernel: PropertyKernel = Field(
        default="gaussian",
        description="kernel of the property (table 3); sinc is the radial sin(pi r)/r of the paper, sinc-product the "
        "product of one along depth and one along x",
    )
    embedding: int | None = Field(
        default=None,
        ge=1,
        description="approximate number of kernels of the property (M), at most one per node; None: 512, and 100 on "
        "maps of 351 x 601",
    )
    scaling: Literal["sum", "integral", "standard"] = Field(
        default="sum", description="scaling of U before the ridge regression"
    )
    alpha: PositiveFloat | Literal["val"] = Field(
        default=1.0, description="penalty of the ridge regression, or 'val' to choose it on val"
    )
    decoder: Decoder = Field(default="transformer", description="type of the decoder (table 4)")
    width: int | None = Field(
        default=None, ge=1, description="number of channels of a token; None: 256, and 64 on maps of 351 x 601"
    )
    heads: int | None = Field(
        default=None, ge=1, description="number of attention heads; None: 8, and 2 on maps of 351 x 601"
    )
    mlp: int | None = Field(
        default=None,
        ge=1,
        description="number of hidden units of the transformer's MLP; None: 1024, and 256 on maps of 351 x 601",
    )
    layers: int = Field(default=1, ge=0, description="number of transformer blocks (table 5)")
    shared: bool = Field(
        default=True, description="whether all tokens share the last linear layer; otherwise table 5's multi-linear"
    )

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        """Raise `ValueError` for options that exclude each other."""
        if self.kernels is not None and self.kernels_total is not None:
            raise ValueError("kernels and kernels_total both set the number of kernels, set one of them")
        if self.encoder_kernel == "raw" and self.scaling == "integral":
            raise ValueError("scaling=integral has no effect with encoder_kernel=raw, which sums nothing over time")
        return self

    def kernels_per_source(self, sources: int) -> int:
        """Return the number of kernels per source; with `raw` the largest number of block averages.

        Args:
            sources: Number of sources (S).
        """
        if self.kernels is not None:
            return self.kernels
        if self.encoder_kernel == "raw":
            # the number is an upper limit
            return max((self.kernels_total or RAW_ENTRIES) // sources, 1)
        return math.ceil((self.kernels_total or KERNELS_TOTAL) / sources)

    def refusal(self, problem: Problem) -> str:
        """Return why these options do not suit a problem; empty if they do.

        Args:
            problem: The problem.
        """
        if problem.survey.kind == "em":
            for name in SEISMIC_ONLY:
                if (value := getattr(self, name)) != type(self).model_fields[name].default:
                    return f"{name}={value} has no effect on em data, which are not integrated"
            if self.scaling == "integral":
                return "scaling=integral has no effect on em data, which are not integrated"
        nodes = math.prod(problem.grid.shape)
        if self.embedding is not None and self.embedding > nodes:
            return f"embedding={self.embedding} is more than the {nodes} nodes of the map; at most {nodes} are possible"
        return ""


SPEC = MethodSpec(
    name="invlint",
    version="2",
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
