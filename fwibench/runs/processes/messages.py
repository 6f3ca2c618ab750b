"""Messages between a command and the processes of a cell.

Invariant: messages are JSON files in the cell's `attempt` folder. The method's process contributes only measured
values; the description of the cell and its scores come from other processes.
"""

from __future__ import annotations

from collections.abc import Callable
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
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.machine.load import Load

M = TypeVar("M", bound=BaseModel)
EventHandler = Callable[[dict[str, Any]], None]
"""Receives an event of a process, such as `{"stage": "fit"}` or `{"report": {"step": 1, "steps": 9}}`."""
PluginKey = tuple[str, str]
"""Distribution and name of a plugin."""


class Job(Frozen):
    """Message of the command to the processes of a cell.

    Attributes:
        record: Record with everything that is known before the cell runs.
        device: Requested device: `auto`, `cpu`, `cuda`, `cuda:N`.
        devices: Number of devices that the cell uses at a time.
        gpu: Whether these are GPUs, as far as is known before it runs.
        metrics: Names of the metrics.
        limit: Time limit of the cell [s]; None for no limit.
        memory_limit: Memory that a process of the cell may allocate [bytes]; None for no limit.
        clock_threads: Threads with which throughput is measured, if other cells run beside it: the cell asks for the
            clock before, which pauses them. None if it runs alone.
        method_plugins: Plugins that the method's process loads besides the built-in ones; None for all.
        scoring_plugins: Plugins that the scoring process loads besides the built-in ones; None for all.
    """

    record: Record
    device: str
    devices: int = 1
    gpu: bool = False
    metrics: list[str]
    limit: float | None
    memory_limit: int | None = None
    clock_threads: int | None = None
    method_plugins: list[PluginKey] | None = None
    scoring_plugins: list[PluginKey] | None = None


class Measured(Frozen):
    """Message of the method's process: the measured part of a record, without scores.

    Attributes:
        diagnoses: Whether the method implements `diagnostics`, which need the truth. The other fields are those of the
            record.
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

    def with_values(self, **values: Any) -> Measured:
        """Return a copy with other values."""
        return self.model_copy(update=values)

    def with_costs(self, **costs: float | str | None) -> Measured:
        """Return a copy with other costs."""
        return self.with_values(costs=self.costs.model_copy(update=costs))


class Scored(Frozen):
    """Message of the scoring process."""

    status: Status = "ok"
    reason: str = ""
    n_test: int = 0
    scores: dict[str, float | None] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)
    plugins: dict[str, str] = Field(default_factory=dict)


class Diagnosed(Frozen):
    """Message of the diagnostics process: figures that need the truth, or why there are none."""

    figures: dict[str, float] = Field(default_factory=dict)
    fault: str = ""


def needed_plugins(registry: Registry, job: Job) -> Job:
    """Return the job with the plugins of the cell's method, datasets and metrics."""
    cell = job.record.cell
    offer = registry.method(cell.method)
    dataset = registry.dataset(cell.scored_on.dataset).plugin
    methods = [offer.plugin, *(registry.dataset(name).plugin for name in cell.datasets)]
    if offer.spec.builds_on and cell.base:
        methods.append(registry.method(cell.options[offer.spec.builds_on]).plugin)
    metrics = [registry.metric(name).plugin for name in job.metrics]
    return job.model_copy(update={"method_plugins": _keys(methods), "scoring_plugins": _keys([dataset, *metrics])})


def describe_plugins(registry: Registry) -> dict[str, str]:
    """Return distribution and version of each loaded plugin, by name."""
    return {plugin.name: plugin.origin for plugin in registry.plugins if not plugin.disabled}


def write_message(content: BaseModel, path: Path) -> None:
    """Write a message for another process, atomically."""
    write_text(path, content.model_dump_json())


def read_message(kind: type[M], path: Path) -> M | None:
    """Read a message; None if there is none.

    Raises:
        RecordError: The message is damaged.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise RecordError(f"what the cell's process left cannot be read: {error}", "see the cell's log") from error


def complete_record(known: Record, measured: Measured) -> Record:
    """Return the record of a cell with the values that the method's process measured."""
    found = {name: value for name, value in measured if name != "diagnoses"}
    return known.model_copy(update={**found, "notes": [*known.notes, *measured.notes]})


def unsuccessful_record(known: Record, reason: str, status: Status = "failed") -> Record:
    """Return the record of a cell that has no result, with the environment of this process.

    Args:
        known: Record with everything that is known before the cell runs.
        reason: Why there is no result.
        status: Status of the record.
    """
    environment = {**describe_environment(), **known.environment}
    return known.model_copy(update={"status": status, "reason": reason, "environment": environment})


def _keys(plugins: list[Plugin]) -> list[PluginKey]:
    return sorted({(plugin.distribution, plugin.name) for plugin in plugins})
