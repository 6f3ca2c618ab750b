"""Specs of methods, and the options of `TorchMethod`."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Annotated, Any, Literal, Protocol, Self, runtime_checkable

from pydantic import BaseModel, Field, model_validator

from fwibench.problem import Frozen, Problem
from fwibench.specs.base import NoOptions, Spec, Target
from fwibench.specs.dataset import Profile

Kind = Literal["learned", "closed-form", "iterative", "hybrid", "baseline"]
MOST_SAMPLES = 100
"""Largest number of samples of a prediction: a run stores two bytes for each node of each of them."""


class Published(Frozen):
    """Published results of a method on one dataset; None: not published."""

    dataset: str = Field(description="name of the dataset")
    source: str = Field(min_length=1, description="publication and place, such as 'InvLINT, table 1'")
    mae: float | None = Field(default=None, description="mean absolute error in the property's unit")
    mse: float | None = Field(default=None, description="mean squared error in the property's unit, squared")
    ssim: float | None = Field(default=None, description="structural similarity")
    parameters: int | None = Field(default=None, description="parameters as published, which may count other ones")
    macs: int | None = Field(default=None, description="multiply-adds as published")
    flops: int | None = Field(
        default=None, description="floating-point operations as published, two per multiply-add; else `macs`"
    )
    note: str = Field(default="", description="comparison with the counts of this suite")


@runtime_checkable
class SelectiveOptions(Protocol):
    """Options that do not suit every problem; a model of options may have this method."""

    def refusal(self, problem: Problem) -> str:
        """Return why these options do not suit a problem, such as that one has no effect; empty if they do.

        Args:
            problem: The problem.
        """


class Origin(Frozen):
    """What a fitted model was trained on."""

    label: str = Field(description="method and dataset in words, such as 'invlint on salt'")
    fingerprint: str = Field(description="fingerprint of the dataset; empty if its samples are not known")
    split: str = Field(description="split scheme")


@runtime_checkable
class FittedOptions(Protocol):
    """Options that name a fitted model; a model of options may have this method."""

    def origin(self) -> Origin | None:
        """Return what the model was trained on; None without a model."""


class MethodSpec(Spec):
    """Spec of a method; `target` is a subclass of `fwibench.methods.base.Method`."""

    kind: Kind = Field(description="kind of method, shown in lists; has no effect")
    options: type[BaseModel] = Field(
        default=NoOptions, description="model of the options; defaults are those of the publication"
    )
    profiles: dict[Profile, dict[str, Any]] = Field(
        default_factory=dict, description="options by profile; options that the user gives take precedence"
    )
    builds_on: str = Field(
        default="", description="option that names the method whose fitted model is needed; its cell runs first"
    )
    members: str = Field(
        default="",
        description="option with the number of fitted models of that method that are needed, of different seeds; "
        "empty: one",
    )
    needs_fit: bool = Field(default=True, description="whether `fit` must be called before `predict`")
    min_train: int = Field(
        default=1,
        ge=1,
        description="smallest number of train samples, such as 2 for batch normalisation of one value per channel",
    )
    needs_fit_for: dict[str, tuple[str | bool, ...]] = Field(
        default_factory=dict,
        description="values by option with which `fit` must be called before `predict`; with any other value of one of "
        "these options the method needs no fit. Empty: `needs_fit` holds for all values",
    )
    start_option: str = Field(
        default="",
        description="option that takes an .npy file or `gradient` as the start model of an inversion without training; "
        "`fwibench invert` offers methods that set it",
    )
    measurements: tuple[Literal["seismic", "em"], ...] = Field(
        default=("seismic",), description="kinds of measurement that it accepts"
    )
    physics: tuple[Literal["acoustic", "electromagnetic"], ...] = Field(
        default=(), description="physics that it simulates, of which a problem must have one; empty: it simulates none"
    )
    devices: tuple[Literal["cpu", "cuda"], ...] = Field(
        default=("cpu",),
        min_length=1,
        description="devices that it supports; with cuda only it is skipped without a GPU",
    )
    deterministic: bool = Field(
        default=False, description="whether results are independent of the seed, so that one repetition suffices"
    )
    track: Literal["standard", "oracle-start"] = Field(
        default="standard", description="on oracle-start it receives the true maps; tracks are ranked separately"
    )
    costs: Target | Literal[""] = Field(
        default="",
        description="cost model for `fwibench plan`, as 'module:Class' in a module that imports nothing heavy; see "
        "`fwibench.methods.costs`. Empty: that of a training, or time in proportion to the numbers of samples",
    )
    published: tuple[Published, ...] = Field(default=(), description="published results by dataset")

    def preset(self, profile: Profile, given: Container[str] = ()) -> dict[str, Any]:
        """Return the options of a profile, without its floor of batches where the user gives the epochs.

        Args:
            profile: Name of the profile.
            given: Names of the options that the user gives.
        """
        values = self.profiles.get(profile, {})
        return {name: value for name, value in values.items() if name != "min_batches" or "epochs" not in given}

    def members_of(self, seed: int, options: Mapping[str, Any]) -> range:
        """Return the seeds of the fitted models that a seed of this method builds on; no two seeds share one.

        Args:
            seed: Number of the repetition.
            options: Options of this method.
        """
        count: int = options[self.members] if self.members else 1
        return range(seed * count, (seed + 1) * count)

    @property
    def trains(self) -> bool:
        """Whether it is trained as `TrainingOptions` say, so that a time budget sets the length of its fit."""
        return issubclass(self.options, TrainingOptions)

    def learns(self, options: Mapping[str, Any]) -> bool:
        """Return whether `fit` must be called before `predict` with these options, given as plain data."""
        return self.needs_fit and all(options.get(name) in values for name, values in self.needs_fit_for.items())

    def track_of(self, origin: Origin | None, fingerprint: str, split: str) -> str:
        """Return the track of a result: `extra-data` if a model that the options name was trained on other samples.

        Args:
            origin: What that model was trained on; None without one.
            fingerprint: Fingerprint of the dataset.
            split: Split scheme.
        """
        foreign = origin is not None and (origin.fingerprint, origin.split) != (fingerprint, split)
        return "extra-data" if foreign and self.track == "standard" else self.track

    def refusal(self, problem: Problem, dataset: str, options: BaseModel | None = None) -> str:
        """Return why the method cannot invert a problem; empty if it can.

        Args:
            problem: The problem.
            dataset: Name of its dataset, for the message.
            options: Options of the method, which may be of the kind `SelectiveOptions`; None: any.
        """
        measured = problem.survey.kind
        if measured not in self.measurements:
            return f"{self.name} accepts {' and '.join(self.measurements)} data, {dataset} is {measured}"
        physics = problem.physics.kind if problem.physics else None
        if self.physics and physics not in self.physics:
            has = f"has {physics} physics" if physics else "has no physics to simulate with"
            return f"{self.name} simulates with {' or '.join(self.physics)} physics, {dataset} {has}"
        if isinstance(options, SelectiveOptions) and (reason := options.refusal(problem)):
            return f"{self.name} on {dataset}: {reason}"
        return ""


FitPrecision = Literal["float32", "tf32", "bf16"]
Precision = Literal[FitPrecision, "auto"]

# types of options that methods often give another default
Epochs = Annotated[int, Field(ge=1, description="passes over the train split")]
BatchSize = Annotated[int, Field(ge=1, description="largest batch [samples]; batches of an epoch are even")]
LearningRate = Annotated[float, Field(gt=0, description="highest learning rate")]
FirstMoment = Annotated[float, Field(ge=0, lt=1, description="decay rate of the first moment of AdamW")]
SecondMoment = Annotated[float, Field(ge=0, lt=1, description="decay rate of the second moment of AdamW")]


class TrainingOptions(Frozen):
    """How `TorchMethod` trains, by AdamW; the defaults are those of section 4.1.2 of the InvLINT paper."""

    epochs: Epochs = 120
    min_batches: int | None = Field(
        default=None, ge=1, description="smallest number of batches of the fit; raises the epochs; None: no limit"
    )
    max_batches: int | None = Field(
        default=None,
        ge=1,
        description="largest number of batches of the fit; reduces the epochs, also below `min_batches`; "
        "None: no limit",
    )
    batch_size: BatchSize = 128
    learning_rate: LearningRate = 1e-3
    schedule: Literal["constant", "one-cycle", "cosine-restarts"] = Field(
        default="constant", description="schedule of the learning rate"
    )
    min_learning_rate: float = Field(
        default=0.0, ge=0, description="lowest learning rate of `cosine-restarts`; other schedules do not use it"
    )
    restart_epochs: int = Field(default=5, ge=1, description="epochs before the first restart of `cosine-restarts`")
    restart_factor: int = Field(
        default=2, ge=1, description="factor by which each period of `cosine-restarts` is longer than the one before"
    )
    beta1: FirstMoment = 0.5
    beta2: SecondMoment = 0.999
    precision: Precision = Field(
        default="float32",
        description="number format of training; tf32 has an effect on a GPU only; auto: bf16 on a CPU with "
        "matrix units for it and float32 on others, the fastest one on a GPU, as measured",
    )
    weight_decay: float = Field(default=1e-4, ge=0, description="decoupled weight decay")
    drop_last: bool = Field(
        default=False,
        description="leave out the samples of an epoch that do not fill a batch, instead of making even batches",
    )
    keep: Literal["best", "last"] = Field(
        default="best", description="weights that a fit ends with: those with the smallest MAE on val, or the last ones"
    )

    @model_validator(mode="after")
    def _check_rates(self) -> Self:
        if self.min_learning_rate > self.learning_rate:
            raise ValueError(
                f"min_learning_rate is {self.min_learning_rate:g}, above the learning_rate of {self.learning_rate:g}"
            )
        return self


LENGTH = ("epochs", "min_batches", "max_batches")
"""Options of a training that set its length, in place of which a time budget does."""
