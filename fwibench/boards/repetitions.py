"""Records of one row: repetitions of one method with the same options.

Invariant: rows are made of records alone; numbers are means over the repetitions that are ok.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from urllib.parse import quote, unquote

from fwibench.errors import UnknownNameError
from fwibench.metrics.pooling import from_means, to_terms
from fwibench.runs.artefacts.record import Record
from fwibench.specs.metric import Pooling
from fwibench.text.readable import format_options


@dataclass(frozen=True)
class Repetitions:
    """Records of one cell but for the seed.

    Attributes:
        records: At least one.
        base: Record of the run that the first one builds on; None without such a run.
    """

    records: Sequence[Record]
    base: Record | None = None

    @cached_property
    def ok(self) -> list[Record]:
        """Those with status `ok`."""
        return [record for record in self.records if record.status == "ok"]

    @property
    def first(self) -> Record:
        """The first that is ok, else the first."""
        return (self.ok or self.records)[0]

    @property
    def status(self) -> str:
        """`ok` if a repetition is; else why the first is not."""
        return "ok" if self.ok else self.first.status

    @property
    def options(self) -> str:
        """Options that differ from the profile's, those of the base included."""
        return format_options(self.first.chosen | (_base_options(self.first, self.base) if self.base else {}))

    @property
    def dataset(self) -> str:
        """Name of the dataset with its variant."""
        return self.first.cell.fitted_on.variant

    @property
    def test_dataset(self) -> str | None:
        """Name of another dataset that the model was tested on, with its variant; None without one."""
        tested = self.first.cell.tested_on
        return None if tested is None else tested.variant

    @property
    def fwibench_version(self) -> str | None:
        """Version of fwibench that made the first run."""
        version: str | None = self.first.environment.get("packages", {}).get("fwibench")
        return version

    @property
    def joined_ids(self) -> str:
        """Names of the runs in one text."""
        return join_runs(record.run_id for record in self.records)

    def mean(self, read: Callable[[Record], float | None], pooling: Pooling = "mean") -> float | None:
        """Return the mean of a number over the repetitions that are ok and have it; None if none has.

        Args:
            read: Reads the number from a record.
            pooling: How the numbers are pooled, if not by their mean.
        """
        values = [value for record in self.ok if (value := read(record)) is not None]
        return from_means(fmean(to_terms(value, pooling) for value in values), pooling) if values else None


def identity(record: Record, base: Record | None = None, *, common: bool = False) -> str:
    """Return what the records of one row have in common.

    Of the options those count that differ from the profile's: a record does not know options that were added later.

    Args:
        record: Any record.
        base: Record of the run that it builds on, whose seed does not matter either.
        common: Whether the number of requested test samples does not matter.
    """
    without = {"seed", "dataset_options", "options", "non_default", "model"} | ({"test_samples"} if common else set())
    content = [(one.cell.model_dump(mode="json", exclude=without), one.chosen) for one in (record, base) if one]
    if record.cell.tested_on:
        del content[0][0]["tested_on"]["dataset_options"]
    if base:
        content[0][0].update(base="", members=[])
    return json.dumps([content, record.source, record.track], sort_keys=True)


def select_records(records: Sequence[Record], dataset: str = "", split: str = "", profile: str = "") -> list[Record]:
    """Return the records of a dataset, split and profile; an empty name selects every one.

    Args:
        records: Records of any cells.
        dataset: Name of the dataset, with or without its variant, as the leaderboard shows it.
        split: Name of a split scheme.
        profile: Name of a profile.

    Raises:
        UnknownNameError: No record has one of the names.
    """
    found = list(records)
    for what, name, read in (
        ("dataset", dataset, _dataset_names),
        ("split", split, lambda record: [record.cell.split]),
        ("profile", profile, lambda record: [record.cell.profile]),
    ):
        if name:
            known = {own for record in found for own in read(record)}
            found = [record for record in found if name in read(record)]
            if not found:
                raise UnknownNameError.among(f"{what} in these results", name, known)
    return found


def join_runs(names: Iterable[str]) -> str:
    """Join names of runs with blanks; a blank or percent sign within a name is written as in a URL."""
    return " ".join(re.sub(r"[\s%]", lambda found: quote(found[0]), name) for name in names)


def split_runs(text: str) -> list[str]:
    """Return the names that `join_runs` joined."""
    return list(map(unquote, text.split()))


def with_fingerprint(name: str, fingerprint: str) -> str:
    """Return a dataset's name with the start of its fingerprint, such as `salt@1a2b3c4d`."""
    return f"{name}@{fingerprint[:8]}"


def _base_options(record: Record, base: Record) -> dict[str, str]:
    """The option that names the base, with the base's own options: `base=inversionnet[precision=bf16]`."""
    name, chosen = base.cell.method, format_options(base.chosen)
    return {option: f"{name}[{chosen}]" for option, value in record.cell.options.items() if chosen and value == name}


def _dataset_names(record: Record) -> list[str]:
    name = record.cell.fitted_on.variant
    return [record.cell.dataset, name, with_fingerprint(name, record.cell.fingerprint)]
