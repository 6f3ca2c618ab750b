"""The cell: one method with its options, on one dataset, split and seed, with one profile.

Invariant: a cell is plain data that survives a JSON round-trip; its key is a hash of everything its result depends on.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Any

from pydantic import Field

from fwibench.problem import Frozen
from fwibench.specs.dataset import Profile

RESULT_FORMAT = 2
"""Version of the records and of the measured quantities; part of every key.

Format 1 hashed all options of a method, so a new option with a default invalidated every finished result.
"""


class Cell(Frozen):
    """Description of one cell."""

    method: str
    method_version: str
    options: dict[str, Any] = Field(description="effective options: defaults, profile and the user's")
    non_default: dict[str, Any] | None = Field(
        default=None,
        description="options that differ from the defaults of the method's version; None in cells of format 1",
    )
    dataset: str
    dataset_options: dict[str, Any]
    fingerprint: str = Field(description="fingerprint of the dataset")
    split: str
    seed: int = Field(ge=0, description="repetition, from 0")
    profile: Profile
    test_samples: int | None = Field(
        default=None, description="number of test samples, spread evenly over the split; None for all"
    )

    budget: float | None = Field(
        default=None, gt=0, description="time that a fit by gradient descent takes [s]; None: its options tell"
    )

    base: str = Field(default="", description="run whose fitted model this one builds on")
    plugin: str = Field(
        default="", description="distribution of the plugin whose method replaces another of that name; else empty"
    )

    files: dict[str, str] = Field(
        default_factory=dict, description="SHA-256 of each file that an option names, by option"
    )

    @cached_property
    def key(self) -> str:
        """SHA-256 of everything the result depends on.

        Only options that differ from the defaults of the method's version are hashed, so a new option with a default
        does not change the key. The fingerprint represents the options of the dataset.
        """
        unset = {name for name in ("budget", "base", "plugin", "files") if not getattr(self, name)}
        content = self.model_dump(mode="json", exclude={"dataset_options", "non_default", *unset})
        if self.non_default is None:
            form = 1
        else:
            form, content["options"] = RESULT_FORMAT, self.non_default
        return hashlib.sha256(json.dumps([form, content], sort_keys=True).encode()).hexdigest()

    def continues(self, former: Cell) -> bool:
        """Return whether a cell of format 1 equals this one, except for options that have been added since.

        Args:
            former: A cell of format 1. Options that it lacks must have their default values in this cell.
        """
        compared_below = {"options", "non_default", "dataset_options"}
        if self.model_dump(exclude=compared_below) != former.model_dump(exclude=compared_below):
            return False
        added = self.options.keys() - former.options.keys()
        return not added & (self.non_default or {}).keys() and all(
            name in self.options and self.options[name] == value for name, value in former.options.items()
        )

    @property
    def run_id(self) -> str:
        """Readable and unique name of the cell's folder."""
        return f"{self.dataset}-{self.split}-{self.profile}-{self.method}-s{self.seed}-{self.key[:8]}"
