"""What is kept of an added dataset: a small JSON file in the data folder.

Invariant: reading descriptions is light and cannot fail; one that is damaged is skipped and can be told.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from fwibench.files.atomic import data_root, write_text
from fwibench.problem import Frozen, Problem
from fwibench.specs.base import Name
from fwibench.specs.dataset import DatasetSpec

LIMITS = {"smoke": 40, "quick": 1000}
"""Most samples of a profile; `paper` takes all."""


class AddedDataset(Frozen):
    """Where samples lie and what they are."""

    format: Literal[1] = 1
    name: Name
    summary: str = Field(min_length=1)
    licence: str = ""
    caveats: tuple[str, ...] = ()
    problem: Problem
    measurements: tuple[Path, ...] = Field(min_length=1)
    properties: tuple[Path, ...]
    counts: tuple[int, ...] = Field(description="samples in each pair of files")
    stamps: tuple[tuple[str, int, str], ...] = Field(description="of measurements, then properties, as they were added")
    n_val: int = Field(ge=0)
    n_test: int = Field(gt=0)
    split: Literal["random", "last"] = Field(default="random", description="last: the last samples are test")
    split_seed: str = Field(default="", description="of the shuffle; empty: the name, as in descriptions of before")
    test_numbers: tuple[int, ...] = Field(default=(), description="the test samples, where the user named them")

    @model_validator(mode="after")
    def _consistent(self) -> AddedDataset:
        files = len(self.measurements)
        if not files == len(self.properties) == len(self.counts) == len(self.stamps) / 2:
            raise ValueError("measurements, properties, counts and stamps must belong together")
        if self.n_val + self.n_test > self.size:
            raise ValueError(f"val and test take {self.n_val + self.n_test} of {self.size} samples")
        numbers = self.test_numbers
        if numbers and (len(set(numbers)) != self.n_test or not 0 <= min(numbers) <= max(numbers) < self.size):
            raise ValueError(f"test_numbers must be {self.n_test} different numbers below {self.size}")
        return self

    @property
    def size(self) -> int:
        """Samples in all."""
        return sum(self.counts)

    def spec(self) -> DatasetSpec:
        """Its spec, as a plugin would give it."""
        return DatasetSpec(
            name=self.name,
            summary=self.summary,
            target="fwibench.datasets.user.dataset:Added",
            source="files",
            measurements=self.problem.survey.kind,
            licence=self.licence,
            caveats=self.caveats,
        )

    def write(self) -> Path:
        """Makes the dataset known; atomic."""
        path = description_path(self.name)
        write_text(path, self.model_dump_json(indent=1))
        return path


def description_path(name: str) -> Path:
    """Where the description of that name lies."""
    return data_root() / "added" / f"{name}.json"


def converted_folder(name: str) -> Path:
    """Where arrays lie that had to be converted."""
    return data_root() / "added" / name


def read_description(name: str) -> AddedDataset:
    """Reads one; raises `OSError` or `ValueError` if it cannot be."""
    found = AddedDataset.model_validate_json(description_path(name).read_bytes())
    if found.name != name:
        raise ValueError(f"it describes '{found.name}'")
    return found


def read_descriptions() -> tuple[list[AddedDataset], dict[Path, str]]:
    """All added datasets, and the descriptions that cannot be read with one line on why."""
    found, damaged = [], {}
    folder = data_root() / "added"
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return [], {}
    except OSError as error:
        return [], {folder: error.strerror or str(error)}
    for path in (folder / name for name in names if name.endswith(".json")):
        try:
            found.append(read_description(path.stem))
        except ValidationError as error:
            damaged[path] = f"{error.error_count()} faults, first: {error.errors()[0]['msg']}"
        except OSError as error:
            damaged[path] = error.strerror or str(error)
        except ValueError as error:
            damaged[path] = str(error)
    return found, damaged


def forget(name: str) -> bool:
    """Removes the description and what was converted for it, never the user's files; False if there is none."""
    path = description_path(name)
    known = path.exists()
    path.unlink(missing_ok=True)
    if known:
        shutil.rmtree(converted_folder(name), ignore_errors=True)
    return known
