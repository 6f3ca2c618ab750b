"""What a method says of itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from fwibench.datasets.spec import Profile
from fwibench.problem import Frozen, Problem
from fwibench.specs import NoOptions, Spec

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
    measurements: tuple[Literal["seismic", "em"], ...] = Field(default=("seismic",), description="kinds it accepts")
    physics: tuple[Literal["acoustic", "electromagnetic"], ...] = Field(
        default=(), description="physics that it simulates with; a problem must have one of them. Empty: needs none"
    )
    devices: tuple[Literal["cpu", "cuda"], ...] = Field(
        default=("cpu",), min_length=1, description="where it can run; with cuda alone it is skipped without a GPU"
    )
    deterministic: bool = Field(default=False, description="the seed changes nothing, so one repetition is enough")
    trained_on: Literal["train", "none"] = Field(default="train", description="data that `fit` reads")
    track: Literal["standard", "oracle-start", "extra-data"] = Field(
        default="standard", description="tracks are never ranked together; on oracle-start it is shown the truth"
    )
    published: tuple[Published, ...] = Field(default=(), description="what publications print of it, by dataset")

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
