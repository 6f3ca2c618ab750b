"""The cell: one method with its options, on one dataset, split and seed, with one profile.

A transferred cell applies the fitted model of another cell to the test samples of another dataset.

Invariant: a cell is plain data that survives a JSON round-trip; its key is a hash of everything its result depends on.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from fwibench.problem import Frozen
from fwibench.specs.dataset import Profile
from fwibench.text.readable import format_options

RESULT_FORMAT = 2
"""Version of the records and of the measured quantities; part of every key.

Format 1 hashed all options of a method, so a new option with a default invalidated every finished result.
"""


class CellDataset(Frozen):
    """A dataset with its options and a split scheme."""

    dataset: str
    dataset_options: dict[str, Any]
    fingerprint: str = Field(description="fingerprint of the dataset")
    split: str

    @property
    def variant(self) -> str:
        """The dataset with the options that change its samples; where its files lie is not part of the name."""
        options = {
            name: value for name, value in self.dataset_options.items() if name != "path" and not _is_path(value)
        }
        return f"{self.dataset}[{format_options(options)}]" if options else self.dataset


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

    base: str = Field(
        default="", description="run whose fitted model this one builds on, the first if there are several"
    )
    members: tuple[str, ...] = Field(
        default=(), description="all runs that this one builds on, where its method needs several with different seeds"
    )
    plugin: str = Field(
        default="", description="distribution of the plugin whose method replaces another of that name; else empty"
    )

    files: dict[str, str] = Field(
        default_factory=dict, description="SHA-256 of each file that an option names, by option"
    )
    tested_on: CellDataset | None = Field(
        default=None,
        description="dataset whose test samples a transferred cell is scored on; None in cells that are scored on "
        "their own dataset",
    )
    model: str = Field(default="", description="run whose fitted model a transferred cell applies; else empty")
    external: bool = Field(
        default=False, description="whether the predictions were made elsewhere, by a method that no plugin offers"
    )

    @cached_property
    def key(self) -> str:
        """SHA-256 of everything the result depends on.

        Only options that differ from the defaults of the method's version are hashed, so a new option with a default
        does not change the key. Fingerprints represent the options of datasets, and the other fields `model`.
        """
        unset = {
            name
            for name in ("budget", "base", "members", "plugin", "files", "tested_on", "external")
            if not getattr(self, name)
        }
        content = self.model_dump(mode="json", exclude={"dataset_options", "non_default", "model", *unset})
        if self.tested_on is not None:
            del content["tested_on"]["dataset_options"]
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
    def fitted_on(self) -> CellDataset:
        """Dataset that the method is built for and, if it learns, fitted on."""
        return CellDataset(
            dataset=self.dataset,
            dataset_options=self.dataset_options,
            fingerprint=self.fingerprint,
            split=self.split,
        )

    @property
    def scored_on(self) -> CellDataset:
        """Dataset whose test samples are predicted and scored."""
        return self.tested_on or self.fitted_on

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets that are opened when the cell runs."""
        return tuple(dict.fromkeys((self.dataset, self.scored_on.dataset)))

    @property
    def needed_runs(self) -> tuple[str, ...]:
        """Runs that must be finished before this cell starts: the one whose model it applies, and those below."""
        return tuple(run for run in (self.model, *(self.members or (self.base,))) if run)

    @property
    def place(self) -> str:
        """The dataset in words, such as `flatvel-a` or `flatvel-a, tested on style-b`."""
        return self.dataset if self.tested_on is None else f"{self.dataset}, tested on {self.tested_on.variant}"

    @property
    def run_id(self) -> str:
        """Readable and unique name of the cell's folder."""
        where = self.dataset if self.tested_on is None else f"{self.dataset}-to-{self.tested_on.dataset}"
        return f"{where}-{self.split}-{self.profile}-{self.method}-s{self.seed}-{self.key[:8]}"


def _is_path(value: object) -> bool:
    """Whether a value is an absolute path: options that name files or folders are made absolute when they are read."""
    return isinstance(value, str) and Path(value).is_absolute()
