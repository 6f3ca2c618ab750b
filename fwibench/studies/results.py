"""What was measured for the cases of a study, with its uncertainty.

Invariant: records and scores are read, never made; a number that was not measured is None, and its case says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean

import numpy as np

from fwibench.boards.repetitions import Repetitions
from fwibench.boards.rows import Column, Columns, Row, make_row
from fwibench.boards.samples import Samples, read_samples
from fwibench.boards.statistics import LEVEL, interval
from fwibench.errors import RecordError
from fwibench.metrics.pooling import pool
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, read_record
from fwibench.runs.artefacts.results import Results
from fwibench.specs.study import Case, Quantity
from fwibench.studies.planning import PlannedCase, StudyPlan
from fwibench.text.readable import counted

DIAGNOSTICS = "diagnostics."
"""Prefix of the keys of numbers that methods report."""
Ends = tuple[float, float]


@dataclass(frozen=True)
class Value:
    """A measured number.

    Attributes:
        mean: Mean over seeds and samples; None if it was not measured.
        ends: Both ends of its 95 % interval; None where there is none.
        each: The number of each seed.
        over: What the interval covers, such as `10 samples, 3 seeds`.
    """

    mean: float | None = None
    ends: Ends | None = None
    each: tuple[float, ...] = ()
    over: str = ""


@dataclass(frozen=True)
class CaseResult:
    """The records of a case.

    Attributes:
        case: The case.
        columns: Columns of all metrics.
        records: Records of its cells, whatever their status.
        base: Record of the run that the first one builds on; None without such a run.
        samples: Scores of the test samples of the finished ones; None if there are none.
        gap: Why a number is missing or of fewer seeds than planned; empty if nothing is.
    """

    case: Case
    columns: Columns = field(repr=False)
    records: tuple[Record, ...] = field(default=(), repr=False)
    base: Record | None = field(default=None, repr=False)
    samples: Samples | None = field(default=None, repr=False)
    gap: str = ""

    @cached_property
    def ok(self) -> list[Record]:
        """Finished records."""
        return [record for record in self.records if record.status == "ok"]

    @cached_property
    def row(self) -> Row | None:
        """The row of a leaderboard; None if nothing is finished."""
        return make_row(self.columns, Repetitions(self.ok, self.base)) if self.ok else None

    def value(self, quantity: Quantity) -> Value:
        """Return what was measured of a quantity.

        Raises:
            UnknownNameError: The leaderboard has no such column.
        """
        key = self.case.reads.get(quantity.key, quantity.key)
        if key.startswith(DIAGNOSTICS):
            return self._diagnostic(key.removeprefix(DIAGNOSTICS))
        column = self.columns.find(key)
        if self.row is None:
            return Value()
        if column.metric and self.samples is not None and column.metric in self.samples.values:
            return self._score(column, self.samples)
        each = self._each(lambda record: _number(make_row(self.columns, Repetitions([record]))[column.key]))
        mean = _number(self.row[column.key])
        if quantity.exact:
            return Value(mean, each=each)
        ends = over_seeds_of_costs(each) if column.part == "cost" else over_seeds(each)
        return Value(mean, ends, each, _count_seeds(each))

    def _score(self, column: Column, samples: Samples) -> Value:
        scores = samples.values[column.metric]
        each = tuple(pool(one, column.pooling) for one in scores)
        over = f"{samples.extent}, {counted(len(scores), 'seed')}"
        ends = interval(scores, samples.grouping, column.pooling)
        return Value(samples.pooled(column.metric), ends, each, over)

    def _diagnostic(self, name: str) -> Value:
        each = self._each(lambda record: record.diagnostics.get(name))
        if not each:
            return Value()
        low = self._each(lambda record: record.diagnostics.get(f"{name}_low"))
        high = self._each(lambda record: record.diagnostics.get(f"{name}_high"))
        if low and high:
            return Value(fmean(each), (fmean(low), fmean(high)), each, "test samples")
        return Value(fmean(each), over_seeds(each), each, _count_seeds(each))

    def _each(self, read: Callable[[Record], float | None]) -> tuple[float, ...]:
        return tuple(value for record in self.ok if (value := read(record)) is not None)


@dataclass(frozen=True)
class StudyResults:
    """The results of a study.

    Attributes:
        plan: The selected cases with their cells.
        cases: Results by block, row and column.
        faults: A line for each thing that could not be read.
    """

    plan: StudyPlan
    cases: dict[tuple[str, str, str], CaseResult]
    faults: list[str]

    @property
    def gaps(self) -> list[str]:
        """A line for each case with missing results."""
        return [f"{' / '.join(filter(None, place))}: {one.gap}" for place, one in self.cases.items() if one.gap]

    def rows(self, block: str) -> list[str]:
        """Return the rows of a block, in order."""
        return list(dict.fromkeys(row for own, row, _ in self.cases if own == block))

    @property
    def blocks(self) -> list[str]:
        """The blocks, in order."""
        return list(dict.fromkeys(block for block, _, _ in self.cases))

    @property
    def complete_blocks(self) -> list[str]:
        """The blocks without a gap."""
        lacking = {block for (block, _, _), case in self.cases.items() if case.gap}
        return [block for block in self.blocks if block not in lacking]

    @property
    def records(self) -> list[Record]:
        """Finished records of all cases, each once."""
        return list({record.run_id: record for one in self.cases.values() for record in one.ok}.values())


def read_results(plan: StudyPlan, results: Results, columns: Columns) -> StudyResults:
    """Read what is finished of a study.

    Args:
        plan: The study.
        results: The results folder.
        columns: Columns of all metrics.
    """
    faults: list[str] = []
    cases = {one.case.place: _read_case(one, results, columns, faults) for one in plan.cases}
    return StudyResults(plan, cases, faults)


def _read_case(planned: PlannedCase, results: Results, columns: Columns, faults: list[str]) -> CaseResult:
    records, missing = [], []
    for cell in planned.cells:
        path = RunFiles(results.folder(cell)).record
        try:
            record = read_record(path) if path.is_file() else None
        except RecordError as error:
            faults.append(error.message)
            record = None
        if record is None or record.cell.key != cell.key:
            missing.append("not run")
        else:
            records.append(record)
            if record.status != "ok":
                missing.append(f"{record.status}: {record.reason}" if record.reason else record.status)
    ok = [record for record in records if record.status == "ok"]
    samples = None
    if ok:
        samples, unread = read_samples(ok, results.scores, None, columns.pooling)
        faults += unread
    gap = planned.reason or _describe_gap(missing, len(planned.cells))
    return CaseResult(planned.case, columns, tuple(records), _base_of(ok, results), samples, gap)


def _base_of(records: Sequence[Record], results: Results) -> Record | None:
    if not records or not records[0].cell.base:
        return None
    try:
        return read_record(RunFiles(results.root / "runs" / records[0].cell.base).record)
    except RecordError:
        return None


def _describe_gap(missing: Sequence[str], planned: int) -> str:
    reasons = "; ".join(dict.fromkeys(missing))
    return reasons if len(missing) in (0, planned) else f"{len(missing)} of {planned} seeds {reasons}"


def over_seeds(each: Sequence[float]) -> Ends | None:
    """Return the 95 % interval of the mean of some runs by Student's t; None for fewer than two."""
    if len(each) < 2:
        return None
    from scipy.special import stdtrit

    values = np.asarray(each)
    half = -float(stdtrit(len(values) - 1, (1 - LEVEL) / 2)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    mean = float(values.mean())
    return mean - half, mean + half


def over_seeds_of_costs(each: Sequence[float]) -> Ends | None:
    """Return the 95 % interval of the geometric mean of some runs, which is positive as costs are.

    It is None for fewer than two runs, or if a cost is 0.
    """
    if min(each, default=0.0) <= 0:
        return None
    ends = over_seeds([math.log(one) for one in each])
    return None if ends is None else (math.exp(ends[0]), math.exp(ends[1]))


def _count_seeds(each: Sequence[float]) -> str:
    return counted(len(each), "seed")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
