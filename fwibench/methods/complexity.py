"""What a method and its layers cost, independent of the machine they run on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fwibench.problem import Frozen

Count = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Complexity(Frozen):
    """Size and arithmetic of one forward pass over one sample. None is "not known", never 0.

    The published parameter column counts `parameters` alone: matrices solved in closed form and fixed
    kernels stand beside it.
    """

    parameters: Count | None = Field(default=None, description="trained by gradient descent")
    parameters_closed_form: Count | None = Field(default=None, description="solved for, then frozen")
    parameters_fixed: Count | None = Field(default=None, description="constants such as integral kernels")
    macs: Count | None = Field(default=None, description="multiply-adds")
    flops: Count | None = Field(default=None, description="floating-point operations, two a multiply-add")
    flops_kind: Literal["counted", "analytic", "mixed"] | None = Field(
        default=None, description="counted while it ran, derived from the sizes, or a part each"
    )
    uncounted: tuple[str, ...] = Field(default=(), description="operations with arithmetic that no counter knows")


class Layer(Frozen):
    """Output, size and arithmetic of one layer, when one sample passes through the method."""

    name: str = Field(description="where it stands in the method, such as network.blocks.0.linear1")
    kind: str = Field(description="its type; '(rest)' is what a part holds or computes beside its own layers")
    shape: tuple[int, ...] = Field(description="of its output for one sample; empty where that is no array")
    parameters: Count | None = Field(default=None, description="trained by gradient descent")
    macs: Count | None = Field(default=None, description="multiply-adds")
