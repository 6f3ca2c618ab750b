"""The record: the JSON that every cell leaves behind, whatever happened.

Invariant: what was not measured is None, never 0.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fwibench.errors import RecordError
from fwibench.files import write_text
from fwibench.methods.complexity import Complexity
from fwibench.runs.cell import RESULT_FORMAT, Cell
from fwibench.runs.load import Load

Status = Literal["ok", "failed", "timeout", "oom", "diverged", "skipped", "not-run"]


class Costs(BaseModel):
    """Seconds and bytes of one cell."""

    model_config = ConfigDict(extra="forbid")

    data_s: float | None = Field(default=None, description="opening the dataset and reading the test measurements")
    fit_s: float | None = Field(
        default=None, description="fit, device synchronised at both ends; all attempts together"
    )
    fit_threads: int | None = Field(default=None, description="threads of the training on a CPU")
    predict_s: float | None = Field(
        default=None, description="prediction of the test split; not known of inversions in several attempts"
    )
    predict_ms_cpu1: float | None = Field(default=None, description="one sample, one CPU thread, median [ms]")
    throughput_per_s: float | None = Field(default=None, description="samples a second at the best batch size")
    throughput_batch: int | None = Field(default=None, description="that batch size")
    peak_memory_mb: float | None = Field(
        default=None, description="largest resident size of the process by the end of the prediction [MB]"
    )
    peak_device_memory_mb: float | None = Field(default=None, description="largest allocation on the GPU [MB]")


class Record(BaseModel):
    """One cell's outcome."""

    model_config = ConfigDict(extra="forbid")

    format: int = RESULT_FORMAT
    cell: Cell
    status: Status
    reason: str = Field(default="", description="why it is not ok")
    notes: list[str] = Field(default_factory=list, description="what else to know: metrics that could not be computed")
    chosen: dict[str, Any] = Field(default_factory=dict, description="options that differ from the profile's")
    kind: str = ""
    track: str = "standard"
    plugin: str = ""
    source: str = ""
    unit: str = Field(default="", description="unit of the property")
    n_train: int | None = None
    n_val: int | None = None
    n_test: int | None = None
    device: str = ""
    scores: dict[str, float | None] = Field(default_factory=dict, description="mean over test samples, by metric")
    complexity: Complexity = Complexity()
    costs: Costs = Field(default_factory=Costs)
    diagnostics: dict[str, float] = Field(default_factory=dict)
    history: list[dict[str, float]] = Field(default_factory=list)
    environment: dict[str, Any] = Field(default_factory=dict)
    started: str = ""
    wall_s: float | None = None
    load: Load | None = Field(default=None, description="how busy the machine was; None where the cell was killed")

    @property
    def run_id(self) -> str:
        """Name of the cell's folder."""
        return self.cell.run_id


def write_record(record: Record, path: Path) -> None:
    """Writes a record, atomically."""
    write_text(path, record.model_dump_json(indent=1))


def read_record(path: Path) -> Record:
    """Reads a record.

    Raises:
        RecordError: It is damaged, or of a format this version does not know, or its names make no folder.
    """
    again = "run its cell again, or delete it"
    try:
        content = path.read_bytes()
        record = Record.model_validate_json(content)
    except OSError as error:
        raise RecordError(f"{path} cannot be read as a record: {error.strerror}", again) from error
    except ValidationError as error:
        if (found := _format_of(content)) > RESULT_FORMAT:
            raise _of_the_future(path, found) from error
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise RecordError(
            f"{path} cannot be read as a record: {f'{where}: ' if where else ''}{first['msg']}", again
        ) from error
    if record.format > RESULT_FORMAT:
        raise _of_the_future(path, record.format)
    if not re.fullmatch(r"[^/\\\x00-\x1f]+", record.run_id):
        raise RecordError(f"{path} cannot be read as a record: its names make the run {record.run_id!r}", again)
    return record


def _format_of(content: bytes) -> int:
    """Format that a record of which nothing else is understood says it has; 0 if it says none."""
    try:
        found = json.loads(content)["format"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0
    return found if isinstance(found, int) else 0


def _of_the_future(path: Path, found: int) -> RecordError:
    return RecordError(f"{path} has result format {found}, this fwibench reads {RESULT_FORMAT}", "upgrade fwibench")
