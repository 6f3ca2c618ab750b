"""Options that every trained method shares."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fwibench.problem import Frozen

Precision = Literal["float32", "tf32", "bf16"]


class TrainingOptions(Frozen):
    """How `TorchMethod` trains. AdamW throughout; defaults are section 4.1.2 of the InvLINT paper."""

    epochs: int = Field(default=120, ge=1, description="passes over the train split")
    max_batches: int | None = Field(
        default=None, ge=1, description="fewer epochs where they would take more batches than this"
    )
    batch_size: int = Field(default=128, ge=1, description="samples a step, at most; batches of an epoch are even")
    learning_rate: float = Field(default=1e-3, gt=0, description="highest learning rate")
    schedule: Literal["constant", "one-cycle", "cosine-restarts"] = Field(
        default="constant", description="course of the learning rate over the fit"
    )
    beta1: float = Field(default=0.5, ge=0, lt=1, description="first momentum of AdamW")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="second momentum of AdamW")
    precision: Precision = Field(
        default="float32", description="number format of training; tf32 makes a difference on a GPU alone"
    )
    weight_decay: float = Field(default=1e-4, ge=0, description="decoupled weight decay")
