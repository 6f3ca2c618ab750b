"""Parameters and FLOPs of a method and its layers, independent of the machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from fwibench.problem import Frozen

Number = TypeVar("Number", int, float)
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Complexity(Frozen):
    """Parameters, MACs and FLOPs of one forward pass over one sample; None means not known.

    Published tables count `parameters` only; matrices solved in closed form and fixed kernels are separate fields.
    """

    parameters: Count | None = Field(default=None, description="parameters trained by gradient descent")
    parameters_closed_form: Count | None = Field(default=None, description="parameters solved for in closed form")
    parameters_fixed: Count | None = Field(default=None, description="constants, such as integral kernels")
    macs: Count | None = Field(default=None, description="multiply-add operations")
    flops: Count | None = Field(default=None, description="floating-point operations, two per multiply-add")
    flops_kind: Literal["counted", "analytic", "mixed"] | None = Field(
        default=None, description="origin of the FLOPs: counted while running, derived from sizes, or both"
    )
    uncounted: tuple[str, ...] = Field(default=(), description="arithmetic operations that could not be counted")


class Layer(Frozen):
    """Output shape, parameters and MACs of one layer for one sample."""

    name: str = Field(description="path in the method, such as network.blocks.0.linear1")
    kind: str = Field(description="type of the module; '(rest)' marks what a module does outside of its submodules")
    shape: tuple[int, ...] = Field(description="shape of the output for one sample; empty if it is not an array")
    parameters: Count | None = Field(default=None, description="parameters trained by gradient descent")
    macs: Count | None = Field(default=None, description="multiply-add operations")


def total(values: Iterable[Number | None]) -> Number | None:
    """Return the sum of values; None if there are none, or one is not known."""
    known = list(values)
    return sum(value for value in known if value is not None) if known and None not in known else None
