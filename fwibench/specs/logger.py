"""Specs of loggers, and what loggers and other plugins are told of running cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from fwibench.specs.base import Spec


@dataclass(frozen=True)
class StartedCell:
    """A cell that has started.

    Attributes:
        run: Name of the run, which is that of its folder and unique.
        results: Results folder, absolute.
        cell: What the result depends on: method, options, dataset, split, seed, profile; the `cell` of the record.
        chosen: Options of the method that differ from those of the profile.
    """

    run: str
    results: Path
    cell: Mapping[str, Any]
    chosen: Mapping[str, Any]


@dataclass(frozen=True)
class CellReport:
    """Numbers that a method reports while it runs, such as losses.

    Attributes:
        run: Name of the run.
        stage: What the cell does: `fit`, `predict` or another stage.
        scalars: The numbers by name, finite or not; `step` of `steps` says how far the stage is.
    """

    run: str
    stage: str
    scalars: Mapping[str, float]


class LoggerSpec(Spec):
    """Spec of a logger, which `run --log NAME:DESTINATION` switches on.

    `target` is a class or function `(destination) -> object`. The object implements hooks as methods, marked by
    `hookimpl`: `fwibench_cell_started`, `fwibench_report` and `fwibench_cell_finished`. If it has a method `close()`,
    that is called at the end, also after an interruption. An invalid destination raises `UsageError`.
    """

    needs: tuple[str, ...] = Field(default=(), description="modules that must be installed, such as tensorboard")
    takes: Literal["folder", "address"] = Field(
        default="address", description="kind of destination; a folder in an experiment file is relative to the file"
    )
