"""The spec of example-unet.

Every fwibench command imports this module, so torch is imported in method.py only.
"""

from collections.abc import Iterable

from fwibench import MethodSpec, TrainingOptions, hookimpl
from pydantic import Field


class Options(TrainingOptions):
    """Options of every trained method, and those of this one."""

    channels: int = Field(default=16, ge=1, description="channels of the finest level; doubled at each level below")
    levels: int = Field(default=3, ge=1, le=6, description="how often the grid is halved")
    rows: int = Field(default=4, ge=1, description="rows of a resampled measurement that share a row of the grid")


@hookimpl
def fwibench_methods() -> Iterable[MethodSpec]:
    """The methods that this package offers."""
    return [
        MethodSpec(
            name="example-unet",
            summary="small U-Net on measurements resampled to the grid",
            reference="after Ronneberger et al., MICCAI 2015",
            version="1",
            api="1.0",
            target="fwibench_example_unet.method:UNetInversion",
            kind="learned",
            options=Options,
            # what --profile sets where the user does not
            profiles={
                "smoke": {"epochs": 2, "batch_size": 8},
                "quick": {"epochs": 1000, "max_batches": 1000, "batch_size": 16, "schedule": "one-cycle"},
            },
            measurements=("seismic", "em"),
            devices=("cpu", "cuda"),
        )
    ]
