"""The method residual: a network that corrects another method's prediction by the data that it leaves unexplained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from fwibench_baselines.fwi.options import Bands
from pydantic import Field

from fwibench import MethodSpec, TrainingOptions, hookimpl
from fwibench.specs.method import BatchSize

Inputs = Literal["data", "migrated", "both"]


class ResidualOptions(TrainingOptions):
    """Options of residual."""

    base: str = Field(
        default="kernel-ridge", description="method whose prediction is corrected; its cell is run or reused"
    )
    folds: int = Field(
        default=5,
        ge=2,
        description="parts of the train split; the first predictions of a part come from a base fitted to the others",
    )
    simulated: int | None = Field(
        default=None, ge=2, description="largest number of train samples that the network learns from; None: all"
    )
    inputs: Inputs = Field(
        default="migrated",
        description="what the network sees besides the first prediction; data: the measurement and what is left of it "
        "after the simulation of the first prediction; migrated: gradients of the misfit in each band; or both",
    )
    bands: Bands = "auto"
    mirror: bool = Field(
        default=True,
        description="learn from mirrored samples too, and predict the mean for a sample and its mirror image; without "
        "effect where the survey is not the same from both ends",
    )
    channels: int = Field(default=32, ge=1, description="number of channels of the network at the map's resolution")
    batch_size: BatchSize = 16


@hookimpl
def fwibench_methods() -> Iterable[MethodSpec]:
    """Return the spec of residual."""
    return [
        MethodSpec(
            name="residual",
            summary="network that corrects another method's prediction by the data that it leaves unexplained",
            reference="15th place of Yale/UNC-CH Geophysical Waveform Inversion, Kaggle 2025, discussion 587511",
            target="fwibench_residual.method:Residual",
            costs="fwibench_residual.costs:ResidualCosts",
            kind="hybrid",
            options=ResidualOptions,
            profiles={
                "smoke": {"epochs": 1, "batch_size": 8, "channels": 4, "folds": 2, "bands": "full"},
                "quick": {
                    "epochs": 200,
                    "max_batches": 1000,
                    "schedule": "one-cycle",
                    "learning_rate": 3e-3,
                    "channels": 16,
                },
            },
            physics=("acoustic",),
            devices=("cpu", "cuda"),
            builds_on="base",
            min_train=2,
            version="2",
        )
    ]
