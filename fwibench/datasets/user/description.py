"""Description of an added dataset: a small JSON file in the data folder.

Invariant: reading descriptions is light and cannot fail; a damaged one is skipped and reported.
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


class Description(Frozen):
    """Files of an added dataset, its problem and its splits."""

    format: Literal[1] = 1
    name: Name
    summary: str = Field(min_length=1)
    licence: str = ""
    caveats: tuple[str, ...] = ()
    problem: Problem
    measurements: tuple[Path, ...] = Field(min_length=1)
    properties: tuple[Path, ...]
    counts: tuple[int, ...] = Field(description="samples in each pair of files")
    stamps: tuple[tuple[str, int, str], ...] = Field(
        description="stamps of measurements, then properties, when they were added"
    )
    n_val: int = Field(ge=0)
    n_test: int = Field(gt=0)
    split: Literal["random", "last"] = Field(default="random", description="last: the last samples are test")
    split_seed: str = Field(default="", description="random seed of the shuffle; empty: the name, as in early versions")
    test_numbers: tuple[int, ...] = Field(default=(), description="numbers of the test samples, if the user named them")
    groups: tuple[str, ...] = Field(
        default=(), description="group of each sample that is not independent of others; empty: all are independent"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Description:
        files = len(self.measurements)
        if not files == len(self.properties) == len(self.counts) == len(self.stamps) / 2:
            raise ValueError("measurements, properties, counts and stamps must belong together")
        if self.n_val + self.n_test > self.size:
            raise ValueError(f"val and test take {self.n_val + self.n_test} of {self.size} samples")
        numbers = self.test_numbers
        if numbers and (len(set(numbers)) != self.n_test or not 0 <= min(numbers) <= max(numbers) < self.size):
            raise ValueError(f"test_numbers must be {self.n_test} different numbers below {self.size}")
        if self.groups and len(self.groups) != self.size:
            raise ValueError(f"groups has {len(self.groups)} names for {self.size} samples")
        return self

    @property
    def size(self) -> int:
        """Number of samples."""
        return sum(self.counts)

    def spec(self) -> DatasetSpec:
        """Return the spec of the dataset."""
        return DatasetSpec(
            name=self.name,
            summary=self.summary,
            target="fwibench.datasets.user.dataset:AddedDataset",
            source="files",
            measurements=self.problem.survey.kind,
            licence=self.licence,
            caveats=self.caveats,
        )

    def write(self) -> Path:
        """Write the description, atomically; from then on the dataset is known."""
        path = description_path(self.name)
        write_text(path, self.model_dump_json(indent=1))
        return path


def description_path(name: str) -> Path:
    """Return the path of the description of that name."""
    return data_root() / "added" / f"{name}.json"


def converted_folder(name: str) -> Path:
    """Return the folder of the arrays that were converted for a dataset."""
    return data_root() / "added" / name


def read_description(name: str) -> Description:
    """Read one description; raises `OSError` or `ValueError` if it cannot be read."""
    found = Description.model_validate_json(description_path(name).read_bytes())
    if found.name != name:
        raise ValueError(f"it describes '{found.name}'")
    return found


def read_descriptions() -> tuple[list[Description], dict[Path, str]]:
    """Return all descriptions, and a line for each that cannot be read, by path."""
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
    """Remove a description and its converted arrays, never the user's files; returns whether there was one."""
    path = description_path(name)
    known = path.exists()
    path.unlink(missing_ok=True)
    if known:
        shutil.rmtree(converted_folder(name), ignore_errors=True)
    return known
