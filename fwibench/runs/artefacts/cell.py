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

RESULT_FORMAT = 2
"""Version of records and of what is measured; part of every key.

Format 1 hashed all options of a method, so that a new option with a default made every finished result another one.
"""


class Cell(Frozen):
    """What is to be run."""

    method: str
    method_version: str
    options: dict[str, Any] = Field(description="effective options: defaults, profile and the user's")
    non_default: dict[str, Any] | None = Field(
        default=None,
        description="options that differ from the defaults of the method's version; None in cells of format 1",
    )
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
        """SHA-256 of what the result depends on.

        Of the options those count that differ from the defaults of the method's version, so a new option with a
        default changes no key. The fingerprint stands for the options of the dataset.
        """
        unset = {name for name in ("base", "plugin", "files") if not getattr(self, name)}
        content = self.model_dump(mode="json", exclude={"dataset_options", "non_default", *unset})
        if self.non_default is None:
            form = 1
        else:
            form, content["options"] = RESULT_FORMAT, self.non_default
        return hashlib.sha256(json.dumps([form, content], sort_keys=True).encode()).hexdigest()

    def continues(self, former: Cell) -> bool:
        """Return whether a cell of format 1 is the same as this one but for options that have been added since.

        Args:
            former: Any cell of format 1. Options that it does not know must have their defaults in this one.
        """
        told = {"options", "non_default", "dataset_options"}
        if self.model_dump(exclude=told) != former.model_dump(exclude=told):
            return False
        added = self.options.keys() - former.options.keys()
        return not added & (self.non_default or {}).keys() and all(
            name in self.options and self.options[name] == value for name, value in former.options.items()
        )

    @property
    def run_id(self) -> str:
        """Readable, unique name of the cell's folder."""
        return f"{self.dataset}-{self.split}-{self.profile}-{self.method}-s{self.seed}-{self.key[:8]}"
