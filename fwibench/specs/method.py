"""What a method says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from fwibench.problem import Frozen, Problem
from fwibench.specs.base import NoOptions, Spec
from fwibench.specs.dataset import Profile

Kind = Literal["learned", "closed-form", "iterative", "hybrid", "baseline"]


class Published(Frozen):
    """What a publication prints of a method on one dataset. None is "not printed"."""

    dataset: str = Field(description="name of the dataset")
    source: str = Field(min_length=1, description="where it is printed, such as 'InvLINT, table 1'")
    mae: float | None = Field(default=None, description="mean absolute error in the property's unit")
    mse: float | None = Field(default=None, description="mean squared error in the property's unit, squared")
    ssim: float | None = Field(default=None, description="structural similarity")
    parameters: int | None = Field(default=None, description="as printed, whatever the publication counts")
    flops: int | None = Field(default=None, description="as printed, whatever the publication counts as one")
    note: str = Field(default="", description="how it compares with what is counted here, and why it may differ")


class MethodSpec(Spec):
    """Spec of a method; `target` is a subclass of `fwibench.methods.base.Method`."""

    kind: Kind = Field(description="what sort of method it is, for lists; decides nothing")
    options: type[BaseModel] = Field(
        default=NoOptions, description="model of the options; its defaults are the paper's"
    )
    profiles: dict[Profile, dict[str, Any]] = Field(
        default_factory=dict, description="options that a profile sets where the user does not"
    )
    builds_on: str = Field(
        default="", description="option that names a method whose fitted model is needed; that method's cell runs first"
    )
    needs_fit: bool = Field(default=True, description="whether `fit` must come before `predict`")
    min_train: int = Field(
        default=1,
        ge=1,
        description="train samples that `fit` needs at least, such as 2 for batch normalisation of single nodes",
    )
    needs_fit_for: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="values of options with which `fit` must come before `predict`, by option; with any other value of "
        "one of them the method learns nothing. Empty: `needs_fit` holds for all",
    )
    start_option: str = Field(
        default="",
        description="option that takes the name of an .npy file, or `gradient`, as the start of an inversion without "
        "training; `fwibench invert` offers such methods",
    )
    measurements: tuple[Literal["seismic", "em"], ...] = Field(default=("seismic",), description="kinds it accepts")
    physics: tuple[Literal["acoustic", "electromagnetic"], ...] = Field(
        default=(), description="physics that it simulates with; a problem must have one of them. Empty: needs none"
    )
    devices: tuple[Literal["cpu", "cuda"], ...] = Field(
        default=("cpu",), min_length=1, description="where it can run; with cuda alone it is skipped without a GPU"
    )
    deterministic: bool = Field(default=False, description="the seed changes nothing, so one repetition is enough")
    track: Literal["standard", "oracle-start"] = Field(
        default="standard", description="tracks are never ranked together; on oracle-start it is shown the truth"
    )
    published: tuple[Published, ...] = Field(default=(), description="what publications print of it, by dataset")

    def learns(self, options: Mapping[str, Any]) -> bool:
        """Whether `fit` must come before `predict` with these options, given as plain data."""
        return self.needs_fit and all(options.get(name) in values for name, values in self.needs_fit_for.items())

    def refusal(self, problem: Problem, dataset: str) -> str:
        """Why the method cannot work on a problem; empty if it can.

        Args:
            problem: What is to be inverted.
            dataset: Whose problem it is, for the reason.
        """
        measured = problem.survey.kind
        if measured not in self.measurements:
            return f"{self.name} accepts {' and '.join(self.measurements)} data, {dataset} is {measured}"
        there = problem.physics.kind if problem.physics else None
        if self.physics and there not in self.physics:
            has = f"has {there} physics" if there else "has no physics to simulate with"
            return f"{self.name} simulates with {' or '.join(self.physics)} physics, {dataset} {has}"
        return ""


Precision = Literal["float32", "tf32", "bf16"]

# types of options that methods often give another default
Epochs = Annotated[int, Field(ge=1, description="passes over the train split")]
BatchSize = Annotated[int, Field(ge=1, description="largest batch [samples]; batches of an epoch are even")]
LearningRate = Annotated[float, Field(gt=0, description="highest learning rate")]
FirstMoment = Annotated[float, Field(ge=0, lt=1, description="decay rate of the first moment of AdamW")]
SecondMoment = Annotated[float, Field(ge=0, lt=1, description="decay rate of the second moment of AdamW")]


class TrainingOptions(Frozen):
    """How `TorchMethod` trains, by AdamW; the defaults are those of section 4.1.2 of the InvLINT paper."""

    epochs: Epochs = 120
    max_batches: int | None = Field(
        default=None, ge=1, description="largest number of batches of the fit; reduces the epochs; None: no limit"
    )
    batch_size: BatchSize = 128
    learning_rate: LearningRate = 1e-3
    schedule: Literal["constant", "one-cycle", "cosine-restarts"] = Field(
        default="constant", description="schedule of the learning rate"
    )
    beta1: FirstMoment = 0.5
    beta2: SecondMoment = 0.999
    precision: Precision = Field(
        default="float32", description="number format of training; tf32 has an effect on a GPU only"
    )
    weight_decay: float = Field(default=1e-4, ge=0, description="decoupled weight decay")
