"""Specs of importers of published weights."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from fwibench.problem import Frozen, Problem
from fwibench.specs.base import Spec


class Imported(Frozen):
    """What an importer found: a fitted method of an installed plugin."""

    method: str = Field(description="name of the method")
    options: dict[str, Any] = Field(default_factory=dict, description="options of the method that differ from defaults")
    problem: Problem = Field(description="problem that the method is built for, with the scaling of its training")
    notes: tuple[str, ...] = Field(default=(), description="remarks for the record, such as the epoch")


class ImporterSpec(Spec):
    """Spec of an importer, which makes a model file of weights in another format.

    `target` is a function `(checkpoint, problem, folder) -> Imported`. It reads the file `checkpoint` without executing
    code in it, for the `Problem` of a dataset, and writes into `folder` what the method's `load` reads. It raises
    `DataError` if the file does not hold the expected weights.
    """
