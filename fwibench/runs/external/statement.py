"""What those who made predictions state about them, in a TOML file or a dictionary.

    version = "2"                          # of the method; repetitions with other seeds share it
    reference = "Doe et al. 2026, doi:10.0000/example"
    fingerprint = "6f2b90c2..."            # of the dataset, from dataset.json of `data export-inputs`
    track = "extra-data"

    [costs]
    parameters = 24409123
    fit_s = 5400

Invariant: a stated number is marked as such wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from fwibench.errors import UnknownNameError, UsageError
from fwibench.files.toml import read_toml
from fwibench.methods.complexity import Complexity, Count
from fwibench.problem import Frozen
from fwibench.runs.artefacts.record import Amount, Costs


class StatedCosts(Frozen):
    """Costs of a method, as stated; each has the meaning of the column of the leaderboard."""

    parameters: Count | None = Field(default=None, description="parameters trained by gradient descent")
    parameters_closed_form: Count | None = Field(default=None, description="parameters solved for in closed form")
    macs: Count | None = Field(default=None, description="multiply-add operations of one sample, forward")
    flops: Count | None = Field(default=None, description="floating-point operations of one sample, two per MAC")
    fit_s: Amount | None = Field(default=None, description="time of the training [s]")
    samples_seen: Count | None = Field(default=None, description="samples of all batches of the training together")
    predict_ms_cpu1: Amount | None = Field(default=None, description="one sample on one CPU thread, median [ms]")
    throughput_per_s: Amount | None = Field(default=None, description="samples per second at the best batch size")
    peak_memory_mb: Amount | None = Field(default=None, description="largest resident size of the process [MB]")

    @property
    def complexity(self) -> Complexity:
        """The counts."""
        return Complexity.model_validate(self.model_dump(include=set(Complexity.model_fields)))

    @property
    def costs(self) -> Costs:
        """The times and the memory."""
        return Costs.model_validate(self.model_dump(include=set(Costs.model_fields)))


class Statement(Frozen):
    """What is stated about predictions."""

    version: str = Field(
        default="", max_length=40, description="version of the method; empty: the start of the predictions' SHA-256"
    )
    reference: str = Field(default="", description="paper, address or authors")
    fingerprint: str = Field(default="", description="fingerprint of the dataset that the predictions are of")
    track: Literal["standard", "oracle-start", "extra-data"] = Field(
        default="standard",
        description="oracle-start: the method was given true maps of test samples, such as smoothed ones; extra-data: "
        "it was fitted on more than train and val. Tracks are never ranked together",
    )
    costs: StatedCosts = Field(default=StatedCosts(), description="costs of the method")


def read_statement(given: Path | Mapping[str, Any] | None) -> Statement:
    """Read and check a statement.

    Args:
        given: A TOML file, or its content; None for an empty statement.

    Raises:
        UsageError: The file cannot be read, a key is unknown, or a value is invalid.
    """
    if given is None:
        return Statement()
    where, content = (str(given), read_toml(given, "meta")) if isinstance(given, Path) else ("meta", dict(given))
    try:
        return Statement.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        *tables, key = map(str, first["loc"])
        if first["type"] == "extra_forbidden":
            known = StatedCosts.model_fields if tables else Statement.model_fields
            unknown = UnknownNameError.among(f"key of {where}{' [costs]' if tables else ''}", key, known)
            raise UsageError(unknown.message, unknown.hint) from error
        model = StatedCosts if tables else Statement
        meaning = model.model_fields[key].description or ""
        raise UsageError(f"{where}: {'.'.join([*tables, key])}: {first['msg']}", f"{key}: {meaning}") from error
