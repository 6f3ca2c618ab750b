"""What a command tells the processes of a cell, and what they leave for it.

Invariant: plain data in JSON files of the cell's `attempt` folder. Only what the method's process measured is taken
from it; what the cell is and how well it did is decided outside of that process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from fwibench.errors import RecordError
from fwibench.files.atomic import write_text
from fwibench.methods.complexity import Complexity, Count
from fwibench.plugins.plugin import Plugin
from fwibench.plugins.registry import Registry
from fwibench.problem import Frozen
from fwibench.runs.artefacts.record import Costs, Record, Status
from fwibench.runs.machine.load import Load

M = TypeVar("M", bound=BaseModel)


PluginKey = tuple[str, str]
"""Distribution and name of a plugin."""


class Job(Frozen):
    """What the command tells its processes.

    Attributes:
        record: The cell, and what is known of it before it runs.
        device: What was asked for: `auto`, `cpu`, `cuda`, `cuda:N`.
        metrics: Names.
        limit: Seconds until the cell is ended; None for no limit.
        method_plugins: What the method's process loads beside the built-in plugins; None for all.
        scoring_plugins: The same of the process that scores.
    """

    record: Record
    device: str
    metrics: list[str]
    limit: float | None
    method_plugins: list[PluginKey] | None = None
    scoring_plugins: list[PluginKey] | None = None


class Measured(Frozen):
    """What the method's process measures of a cell: a record without scores. What was not measured is empty.

    Attributes:
        diagnoses: Whether the method has diagnostics that need the truth.
    """

    status: Status = "ok"
    reason: str = ""
    notes: list[str] = Field(default_factory=list)
    n_train: Count | None = None
    n_val: Count | None = None
    n_test: Count | None = None
    device: str = ""
    complexity: Complexity = Complexity()
    costs: Costs = Field(default_factory=Costs)
    diagnostics: dict[str, float] = Field(default_factory=dict)
    history: list[dict[str, float]] = Field(default_factory=list)
    environment: dict[str, Any] = Field(default_factory=dict)
    load: Load | None = None
    diagnoses: bool = False

    def having(self, **values: Any) -> Measured:
        """Return the same with other values."""
        return self.model_copy(update=values)

    def spending(self, **costs: float | None) -> Measured:
        """Return the same with other costs."""
        return self.having(costs=self.costs.model_copy(update=costs))


class Scored(Frozen):
    """What the process that scores leaves."""

    status: Status = "ok"
    reason: str = ""
    n_test: int = 0
    scores: dict[str, float | None] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)
    plugins: dict[str, str] = Field(default_factory=dict)


class Diagnosed(Frozen):
    """Figures that need the truth, or why there are none."""

    figures: dict[str, float] = Field(default_factory=dict)
    fault: str = ""


def needed_plugins(registry: Registry, job: Job) -> Job:
    """Return the job with the plugins that the cell's method, dataset and metrics come from.

    Args:
        registry: All plugins.
        job: Of the cell.
    """
    cell = job.record.cell
    offer = registry.method(cell.method)
    dataset = registry.dataset(cell.dataset).plugin
    methods = [offer.plugin, dataset]
    if offer.spec.builds_on and cell.base:
        methods.append(registry.method(cell.options[offer.spec.builds_on]).plugin)
    metrics = [registry.metric(name).plugin for name in job.metrics]
    return job.model_copy(update={"method_plugins": _keys(methods), "scoring_plugins": _keys([dataset, *metrics])})


def describe_plugins(registry: Registry) -> dict[str, str]:
    """Return distribution and version of each plugin that was loaded, by name."""
    return {plugin.name: plugin.origin for plugin in registry.plugins if not plugin.disabled}


def leave(content: BaseModel, path: Path) -> None:
    """Write a message of one process to another, atomically."""
    write_text(path, content.model_dump_json())


def find(kind: type[M], path: Path) -> M | None:
    """Read a message; None if there is none.

    Raises:
        RecordError: It is damaged.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise RecordError(f"what the cell's process left cannot be read: {error}", "see the cell's log") from error


def combine(known: Record, measured: Measured) -> Record:
    """Return the record of a cell from what was known before and what the method's process measured."""
    found = {name: value for name, value in measured if name != "diagnoses"}
    return known.model_copy(update={**found, "notes": [*known.notes, *measured.notes]})


def _keys(plugins: list[Plugin]) -> list[PluginKey]:
    return sorted({(plugin.distribution, plugin.name) for plugin in plugins})
