"""The method gauss-newton: an inversion of electromagnetic data that looks for maps like those of train."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from fwibench import Frozen, MethodSpec, hookimpl


class GaussNewtonOptions(Frozen):
    """Options of gauss-newton."""

    base: str = Field(
        default="pixel-ridge", description="method whose prediction is the start model; its cell is run or reused"
    )
    components: int = Field(default=300, ge=1, description="largest number of components of the maps")
    tapers: int = Field(
        default=6,
        ge=1,
        description="number of cosines along the section that train maps are multiplied with, so that a component may "
        "hold a part of the section; 1: components are those of the maps themselves",
    )
    width: float = Field(
        default=0.2,
        gt=0,
        description="distance over which parts of the section vary together, over the length of the section",
    )
    iterations: int = Field(default=5, ge=1, description="largest number of Gauss-Newton steps of a sample")
    first_noise: float = Field(
        default=1e-3,
        gt=0,
        description="standard deviation of the data error in the first step, over the largest amplitude of a row",
    )
    noise: float = Field(
        default=3e-6,
        gt=0,
        description="that of the last step, 3e-6 for data without noise; it changes by a constant factor in between",
    )
    coarsening: float = Field(
        default=1.5, ge=1, description="size of the cells of simulations over that of the data's cells"
    )
    calibrated: int = Field(
        default=36,
        ge=2,
        description="largest number of train samples that are simulated to learn the errors of the larger cells",
    )


@hookimpl
def fwibench_methods() -> Iterable[MethodSpec]:
    """Return the spec of gauss-newton."""
    return [
        MethodSpec(
            name="gauss-newton",
            summary="inversion of electromagnetic data for a sum of components of the train maps",
            reference="Kaipio and Somersalo, Statistical inverse problems, J. Comput. Appl. Math. 198, 2007",
            target="fwibench_gauss_newton.method:GaussNewton",
            kind="hybrid",
            options=GaussNewtonOptions,
            profiles={"smoke": {"components": 8, "tapers": 2, "iterations": 2, "noise": 1e-2, "calibrated": 2}},
            measurements=("em",),
            physics=("electromagnetic",),
            builds_on="base",
            deterministic=True,
            min_train=2,
        )
    ]
