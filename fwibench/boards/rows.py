"""Rows of a leaderboard and the columns they have.

Invariant: a row never changes; ranking it, or scoring it on other samples, makes a new row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from fwibench.boards.repetitions import Repetitions
from fwibench.errors import UnknownNameError
from fwibench.runs.artefacts.record import Record
from fwibench.specs.metric import Better, Pooling, View, describe_direction
from fwibench.text.readable import show_seconds

Value = str | int | float | None
Part = Literal["method", "score", "cost", "count", "run"]
STATED_MARK = "†"
STATED = f"{STATED_MARK}: stated by those who made the predictions, not measured here"
"""Footnote of tables with stated costs."""


def plain(value: Value) -> str:
    """Return the text of a value; empty for None."""
    return "" if value is None else str(value)


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: Name in files.
        kind: Type of its values; any of them may be None.
        meaning: One line.
        read: Reads its value from the repetitions of a row; None where the board sets it.
        better: Which values come first when rows are sorted by it; `low` also for texts.
        best: Best value, where those near it come first; else None.
        metric: Name of the metric whose score it holds; empty for other columns.
        pooling: How the scores of samples and seeds are pooled.
        title: Head in tables; empty if only files have the column.
        heading: Head in the report; empty for the title.
        unit: Unit of the values, from the unit of the property; empty for none.
        part: What it is about; the report's tables have it in this order: method, score, cost, count, run.
        shown: Where it is shown at first.
        show: Text of a value.
        cell: Text of a row's cell, where that takes more than the value.
        dropped: Order in which a narrow terminal drops it; 0 for never.
    """

    key: str
    kind: Literal["text", "integer", "number"]
    meaning: str
    read: Callable[[Repetitions], Any] | None = None
    better: Better = "low"
    best: float | None = None
    metric: str = ""
    pooling: Pooling = "mean"
    title: str = ""
    heading: str = ""
    unit: Callable[[str], str] = lambda _: ""
    part: Part = "run"
    shown: tuple[View, ...] = ()
    show: Callable[[Any], str] = plain
    cell: Callable[[Row], str] | None = None
    dropped: int = 0

    def head(self, property_unit: str) -> str:
        """Return the title with the unit, such as `MAE [m/s]`.

        Args:
            property_unit: Unit of the property.
        """
        unit = self.unit(property_unit)
        return f"{self.title} [{unit}]" if unit else self.title

    def text(self, row: Row) -> str:
        """Return the text of a row's cell, with a mark if its cost is stated; empty where nothing was measured."""
        text = self.cell(row) if self.cell else self.show(row[self.key])
        return f"{text}{STATED_MARK}" if text and self.part == "cost" and row.stated else text

    @property
    def dimensionless(self) -> bool:
        """Whether its values are pure numbers."""
        return not self.unit("1")

    def order(self, value: float) -> float:
        """Return a number that is the lower the better the value is."""
        if self.best is not None:
            return abs(value - self.best)
        return value if self.better == "low" else -value

    @property
    def direction(self) -> str:
        """Which values are better, in words."""
        return describe_direction(self.better, self.best)


@dataclass(frozen=True)
class Columns:
    """The columns of a leaderboard, in order.

    Attributes:
        by_key: Each column by its name in files.
        ranking: Column of the metric that ranks.
        further: Names of the columns of further metrics, which follow the stable columns.
        deterministic: Methods whose results do not depend on the seed, as their specs declare.
    """

    by_key: Mapping[str, Column]
    ranking: Column
    further: frozenset[str] = frozenset()
    deterministic: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Column]:
        return iter(self.by_key.values())

    @property
    def interval(self) -> tuple[str, str]:
        """Names of the columns with both ends of the interval of the ranking metric."""
        return f"{self.ranking.key}_ci_low", f"{self.ranking.key}_ci_high"

    @cached_property
    def metrics(self) -> dict[str, Column]:
        """Columns of scores, by metric."""
        return {column.metric: column for column in self if column.metric}

    @property
    def pooling(self) -> dict[str, Pooling]:
        """How scores are pooled, by metric, where it is not by their mean."""
        return {metric: column.pooling for metric, column in self.metrics.items() if column.pooling != "mean"}

    def find(self, name: str) -> Column:
        """Return the column of a name; hyphens stand for underscores.

        Raises:
            UnknownNameError: There is none.
        """
        key = name.replace("-", "_")
        if key not in self.by_key:
            raise UnknownNameError.among("column", key, self.by_key)
        return self.by_key[key]

    def scored_in(self, records: Iterable[Record]) -> Columns:
        """Return the columns without those of further metrics that no record has a score of."""
        scored = {name for record in records for name in record.scores}
        unscored = {key for key in self.further if self.by_key[key].metric not in scored}
        return replace(self, by_key={key: column for key, column in self.by_key.items() if key not in unscored})


class Setting(NamedTuple):
    """Where methods can be compared: rows of different settings are never compared or ranked together."""

    dataset: str
    source: str
    split: str
    track: str
    profile: str
    test_dataset: str = ""
    budget_s: str = ""

    @property
    def place(self) -> str:
        """The dataset, and the one that its models are tested on if that is another one."""
        return f"{self.dataset}, tested on {self.test_dataset}" if self.test_dataset else self.dataset

    @property
    def title(self) -> str:
        """The setting in one line."""
        tested = f" tested on {self.test_dataset}," if self.test_dataset else ""
        parts = (
            f"{self.dataset} ({self.source}),{tested} split {self.split}, track {self.track}, profile {self.profile}"
        )
        return ", ".join(filter(None, (parts, self.budget)))

    @property
    def budget(self) -> str:
        """The time budget in words, such as `budget 5m00s`; empty without one."""
        return f"budget {show_seconds(float(self.budget_s))}" if self.budget_s else ""

    @property
    def words(self) -> tuple[str, ...]:
        """The words that distinguish names of files."""
        tested = f"to-{self.test_dataset}" if self.test_dataset else ""
        return self.dataset, tested, self.split, self.profile, self.track, self.budget


@dataclass(frozen=True, eq=False)
class Row(Mapping[str, Any]):
    """One row of a leaderboard: a mapping from the names of columns to values.

    Attributes:
        columns: Its columns.
        cells: Values by column, in their order; None where nothing was measured.
        unit: Unit of the property; empty if no record of the dataset tells it.
        run_ids: Names of its runs.
        busy: Columns of times that were measured while other cells or other processes used the cores.
        tied: Whether it shares the first rank with others.
    """

    columns: Columns = field(repr=False)
    cells: Mapping[str, Value]
    unit: str = ""
    run_ids: tuple[str, ...] = ()
    busy: frozenset[str] = frozenset()
    tied: bool = False

    def __getitem__(self, key: str) -> Any:
        return self.cells[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def label(self) -> str:
        """The method as it is written in `--methods`: `name[alpha=10]`."""
        return f"{self['method']}[{self['options']}]" if self["options"] else str(self["method"])

    @property
    def setting(self) -> Setting:
        """Where it can be compared."""
        return Setting(*(plain(self[name]) for name in Setting._fields))

    @property
    def group(self) -> tuple[str | int, ...]:
        """What rows that are ranked together agree in: the setting and the number of test samples."""
        return *self.setting, self["n_test"] or 0

    @property
    def stated(self) -> bool:
        """Whether its costs were not measured here, but stated by those who made the predictions."""
        return self.get("costs_source") == "stated"

    @property
    def of_one_seed(self) -> bool:
        """Whether its scores are of one seed of a method whose results depend on the seed."""
        return self["seeds"] == 1 and self["method"] not in self.columns.deterministic

    @property
    def score(self) -> float | None:
        """Value of the metric that ranks."""
        value: float | None = self[self.columns.ranking.key]
        return value

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends of the 95 % interval of the score; None where there is none."""
        low, high = (self[name] for name in self.columns.interval)
        return None if low is None or high is None else (low, high)

    def changed(self, **values: Value) -> Row:
        """Return a row with other values in some columns.

        Args:
            values: By column.
        """
        return replace(self, cells=MappingProxyType({**self.cells, **values}))


def make_row(columns: Columns, runs: Repetitions) -> Row:
    """Make the row of some repetitions.

    Args:
        columns: Its columns.
        runs: Repetitions of one method.

    Returns:
        The row; it has no rank and no interval.
    """
    values = {column.key: column.read(runs) if column.read else None for column in columns}
    return Row(
        columns,
        MappingProxyType(values),
        unit=runs.first.unit,
        run_ids=tuple(record.run_id for record in runs.records),
        busy=frozenset[str]().union(*(record.disturbed for record in runs.ok)),
    )


def empty_row(columns: Columns, **values: Value) -> Row:
    """Make a row without runs, such as one of a publication.

    Args:
        columns: Its columns.
        values: By column; the others are empty.
    """
    known: dict[str, Value] = dict.fromkeys(columns.by_key)
    return Row(columns, MappingProxyType(known | values))
