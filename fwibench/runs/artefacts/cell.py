"""The cell: one method with its options, on one dataset, split and seed, with one profile.

Invariant: a cell is plain data that survives JSON, and its key says all that its result depends on.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Any

from pydantic import Field

from fwibench.problem import Frozen
from fwibench.specs.dataset import Profile

RESULT_FORMAT = 1
"""Version of records and of what is measured; part of every key."""


class Cell(Frozen):
    """What is to be run."""

    method: str
    method_version: str
    options: dict[str, Any] = Field(description="effective options: defaults, profile and the user's")
    dataset: str
    dataset_options: dict[str, Any]
    fingerprint: str = Field(description="of the dataset")
    split: str
    seed: int = Field(ge=0, description="repetition, from 0")
    profile: Profile
    test_samples: int | None = Field(
        default=None, description="only so many test samples, spread evenly over the split; None for all"
    )

    base: str = Field(default="", description="run whose fitted model this one builds on")
    plugin: str = Field(
        default="", description="distribution of a method that stands in for another's of that name; else empty"
    )

    files: dict[str, str] = Field(
        default_factory=dict, description="SHA-256 of each file that an option names, by option"
    )

    @cached_property
    def key(self) -> str:
        """SHA-256 of the cell and the format of results; the fingerprint stands for the dataset's options."""
        unset = {name for name in ("base", "plugin", "files") if not getattr(self, name)}
        content = [RESULT_FORMAT, self.model_dump(mode="json", exclude={"dataset_options", *unset})]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def run_id(self) -> str:
        """Readable, unique name of the cell's folder."""
        return f"{self.dataset}-{self.split}-{self.profile}-{self.method}-s{self.seed}-{self.key[:8]}"
