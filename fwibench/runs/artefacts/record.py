"""The record: the JSON file that every cell has, whatever its status.

Invariant: a value that was not measured is None, never 0.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from fwibench.errors import RecordError
from fwibench.files.atomic import reading, write_text
from fwibench.methods.complexity import Complexity, Count
from fwibench.problem import Frozen
from fwibench.runs.artefacts.cell import RESULT_FORMAT, Cell
from fwibench.runs.artefacts.scores import LARGEST
from fwibench.runs.machine.load import Load
from fwibench.text.readable import storable

Status = Literal["ok", "failed", "timeout", "oom", "diverged", "skipped", "not-run"]
Text = Annotated[str, AfterValidator(storable)]
Amount = Annotated[float, Field(ge=0, le=LARGEST)]
Score = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
LONGEST_NAME = 200
"""Largest length of a run's name [bytes]: file systems accept 255, and temporary copies have a suffix."""
MOST_NOTES = 100
EXTERNAL = "external"
"""Kind of the records of methods that no plugin offers."""
AGAIN = "run its cell again, or delete it"
"""Hint for a damaged record."""
DEEPEST = 20
"""Largest nesting depth of an option's value or of an entry of the environment."""


class Costs(Frozen):
    """Time and memory that one cell took."""

    data_s: Amount | None = Field(default=None, description="opening the dataset and reading the test measurements")
    fit_s: Amount | None = Field(
        default=None, description="fit, device synchronised at both ends; all attempts together"
    )
    members_fit_s: Amount | None = Field(
        default=None, description="fits of the members of an ensemble, in runs of their own"
    )
    fit_threads: Count | None = Field(default=None, description="threads of the training on a CPU")
    fit_precision: Text | None = Field(default=None, description="number format of the training of a network")
    fit_batches: Count | None = Field(default=None, description="batches that the training chose for a time budget")
    samples_seen: Count | None = Field(
        default=None, description="samples of all batches of the training together; None without gradient descent"
    )
    predict_s: Amount | None = Field(
        default=None, description="prediction of the test split; None for inversions that took several attempts"
    )
    predict_ms_cpu1: Amount | None = Field(default=None, description="one sample, one CPU thread, median [ms]")
    throughput_per_s: Amount | None = Field(default=None, description="samples per second at the best batch size")
    throughput_batch: Count | None = Field(default=None, description="batch size of that throughput")
    peak_memory_mb: Amount | None = Field(
        default=None, description="largest resident size of the process by the end of the prediction [MB]"
    )
    peak_device_memory_mb: Amount | None = Field(default=None, description="largest allocation on the GPU [MB]")

    @property
    def all_fits_s(self) -> float | None:
        """Time of the fit, with that of the members of an ensemble; None if it is not known."""
        return self.fit_s if self.fit_s is None else self.fit_s + (self.members_fit_s or 0.0)


class Origin(Frozen):
    """Where predictions that were made elsewhere come from."""

    file: Text = Field(description="name of the file of the predictions")
    sha256: Text = Field(description="SHA-256 of the predictions as they were scored, see `content_sha256`")
    truth_sha256: Text = Field(
        default="", description="SHA-256 of the file with the truth; empty: the truth of the dataset"
    )
    reference: Text = Field(default="", description="paper, address or authors, as stated")


class Record(Frozen):
    """Status, scores and costs of one cell."""

    format: int = RESULT_FORMAT
    cell: Cell
    status: Status
    reason: Text = Field(default="", description="why the status is not ok")
    notes: list[Text] = Field(
        default_factory=list, description="further remarks, such as metrics that could not be computed"
    )
    chosen: dict[str, Any] = Field(default_factory=dict, description="options that differ from the profile's")
    kind: Text = ""
    track: Text = "standard"
    plugin: Text = ""
    source: Text = ""
    unit: Text = Field(default="", description="unit of the property")
    n_train: Count | None = None
    n_val: Count | None = None
    n_test: Count | None = None
    device: Text = ""
    scores: dict[str, Score | None] = Field(
        default_factory=dict, description="over all test samples, by metric; pooled as the metric's spec declares"
    )
    complexity: Complexity = Complexity()
    costs: Costs = Field(default_factory=Costs)
    costs_source: Literal["measured", "stated"] = Field(
        default="measured",
        description="whether costs and complexity were measured here, or stated by those who made the predictions",
    )
    origin: Origin | None = Field(default=None, description="origin of predictions that were made elsewhere")
    diagnostics: dict[str, Score] = Field(default_factory=dict)
    model_sha256: Text = Field(
        default="", description="SHA-256 over the files of the fitted model that predicted; empty if not known"
    )
    history: list[dict[str, float]] = Field(default_factory=list)
    environment: dict[str, Any] = Field(default_factory=dict)
    started: Text = ""
    wall_s: Amount | None = None
    load: Load | None = Field(default=None, description="load of the machine; None if the cell was killed")
    beside: Count | None = Field(
        default=None, description="largest number of other cells of the same run that ran at the same time"
    )

    @property
    def run_id(self) -> str:
        """Name of the cell's folder."""
        return self.cell.run_id

    @property
    def has_costs(self) -> bool:
        """Whether any time, memory or complexity is known."""
        return self.costs != Costs() or self.complexity != Complexity()

    @property
    def disturbed(self) -> frozenset[str]:
        """Fields of `Costs` that were measured while other cells or other processes used the cores."""
        load = self.load
        busy = bool(self.beside) or (load is not None and load.busy)
        # where a clock is kept, latency and throughput are measured while the other cells are paused
        busy_clock = busy if load is None or load.clock is None else load.busy_clock
        found = {"fit_s", "predict_s"} if busy else set()
        return frozenset(found | ({"predict_ms_cpu1", "throughput_per_s"} if busy_clock else set()))


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """Return the values that are finite: JSON has no NaN or infinity."""
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}


def write_record(record: Record, path: Path) -> None:
    """Write a record atomically, with texts cut to a bounded length."""
    texts = {"reason": storable(record.reason), "notes": list(map(storable, record.notes[:MOST_NOTES]))}
    write_text(path, record.model_copy(update=texts).model_dump_json(indent=1))


def read_record(path: Path, *, history: bool = True) -> Record:
    """Read a record.

    Args:
        path: Its file.
        history: Whether the history is read; in most records of trainings it is the longest part by far.

    Raises:
        RecordError: The file is damaged, has a newer format than this version knows, or names no valid folder.
    """
    with reading(path, "a record", AGAIN, RecordError):
        content = path.read_bytes()
        return parse_record(_without_history(content) if not history else content, path)


def parse_record(content: bytes, path: Path) -> Record:
    """Check and return the record in the content of a file.

    Args:
        content: The content, JSON.
        path: The file, for messages.

    Raises:
        RecordError: See `read_record`.
    """
    with reading(path, "a record", AGAIN, RecordError):
        try:
            record = Record.model_validate_json(content)
        except ValidationError as error:
            if (found := _format_of(content)) > RESULT_FORMAT:
                raise _newer_format_error(path, found) from error
            raise
        if record.format > RESULT_FORMAT:
            raise _newer_format_error(path, record.format)
        _check(record)
    return record


def _without_history(content: bytes) -> bytes:
    """Return the JSON of a record as `write_record` indents it, with an empty history; any other text unchanged."""
    before, begin, after = content.partition(b'\n "history": [\n')
    _, end, rest = after.partition(b"\n ]")
    return before + begin + end + rest if end else content


def _check(record: Record) -> None:
    """Raise `ValueError` for values that pass the model's validation, but that fwibench never writes."""
    for name in ("options", "dataset_options"):
        _check_value(getattr(record.cell, name), f"cell.{name}")
    _check_value(record.chosen, "chosen")
    _check_value(record.environment, "environment")
    packages, git, command = (record.environment.get(name) for name in ("packages", "git", "command"))
    if "packages" in record.environment and not isinstance(packages, dict):
        raise ValueError("environment.packages: Input should be a valid dictionary")
    if git is not None and not isinstance(git, dict):
        raise ValueError("environment.git: Input should be a valid dictionary")
    if command is not None and not (isinstance(command, list) and all(isinstance(word, str) for word in command)):
        raise ValueError("environment.command: Input should be a valid list of strings")
    if re.search(r"[/\\\x00-\x1f\x7f]", record.run_id):
        raise ValueError(f"its names make the run {record.run_id!r}")
    if (length := len(record.run_id.encode())) > LONGEST_NAME:
        raise ValueError(f"its names make a run whose name has {length} bytes, expected {LONGEST_NAME} or less")


def _check_value(value: Any, where: str, depth: int = 0) -> None:
    """Raise `ValueError` for numbers that JSON or tables cannot hold, and for values that are nested too deeply."""
    if depth > DEEPEST:
        raise ValueError(f"{where} is nested more than {DEEPEST} levels deep")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} holds {value}, expected finite numbers")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError(f"{where} holds an integer of {value.bit_length()} bits, expected 64 or less")
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_value(one, where, depth + 1)


def _format_of(content: bytes) -> int:
    """Return the format of a record that cannot be read otherwise; 0 if it has none."""
    try:
        found = json.loads(content)["format"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0
    return found if isinstance(found, int) else 0


def _newer_format_error(path: Path, found: int) -> RecordError:
    return RecordError(f"{path} has result format {found}, this fwibench reads {RESULT_FORMAT}", "upgrade fwibench")
