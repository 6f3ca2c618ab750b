"""Records aggregated to a leaderboard.

Invariant: rows are ranked only among those of the same setting and the same test samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from fwibench.boards.repetitions import Repetitions, identity, with_fingerprint
from fwibench.boards.rows import STATED, Columns, Row, Setting, Value, make_row
from fwibench.boards.samples import Read, Samples, read_samples
from fwibench.boards.statistics import indistinguishable, interval, least_samples
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.record import Record

ONE_SEED = (
    "where a method has one seed, ranks, ties and comparisons are of one trained model and cover the test samples "
    "alone, not the spread between seeds: run --seeds 3 or more"
)
BUSY = (
    "*: measured while other cells or other processes used the cores; times are shorter on an idle machine, show RUN "
    "tells how busy it was"
)


@dataclass(frozen=True)
class Line:
    """A row and what it was made from.

    Attributes:
        row: The row.
        samples: Scores of its test samples; None if there are none.
        faults: Why there are none.
        key: What its records have in common, whatever the number of test samples they were scored on.
    """

    row: Row
    samples: Samples | None = field(default=None, repr=False)
    faults: tuple[str, ...] = ()
    key: str = field(default="", repr=False)

    @property
    def label(self) -> str:
        """The method with its options."""
        return self.row.label

    @property
    def setting(self) -> Setting:
        """Where it can be compared."""
        return self.row.setting


@dataclass(frozen=True)
class Board:
    """A leaderboard.

    Attributes:
        columns: The columns of its rows.
        lines: By group and score.
        notes: What to know before the rows are compared.
    """

    columns: Columns
    lines: list[Line]
    notes: list[str]

    @property
    def rows(self) -> list[Row]:
        """What is printed and exported."""
        return [line.row for line in self.lines]


def make_board(
    records: Iterable[Record],
    columns: Columns,
    read: Read | None = None,
    *,
    metrics: Sequence[str] = (),
    common: bool = False,
) -> Board:
    """Aggregate records to rows, one for each method with its options, and rank them.

    Args:
        records: Records of any cells.
        columns: Columns of all metrics; those of further metrics without a score are left out.
        read: Reads the scores of the test samples, for intervals and ties; None to do without.
        metrics: Metrics whose scores of samples are read besides the ranking one.
        common: Score all methods of a setting on the test samples that all of them have.
    """
    every = list(records)
    runs = {record.run_id: record for record in every}
    cells: dict[str, list[Record]] = {}
    for record in every:
        cells.setdefault(identity(record, runs.get(record.cell.base), common=common), []).append(record)
    notes = _unknown_metrics(every, columns)
    columns = columns.scored_in(every)
    needed = None if common else list(dict.fromkeys([columns.ranking.metric, *metrics, *columns.pooling]))
    lines = [_make_line(same, runs, columns, read, needed) for same in cells.values()]
    notes += [fault for line in lines for fault in line.faults]
    cell_of = [same[0].cell for same in cells.values()]
    lines = _share_groups(_separate_data(lines, cell_of), cell_of)
    if common:
        lines, restricted = _restrict(lines)
        notes += restricted
    lines = [replace(line, row=_with_scores_of_samples(line)) for line in lines]
    lines.sort(key=lambda line: (line.row.group, *_order(line.row), line.label))
    ranked: list[Line] = []
    for _, group in groupby(lines, key=_group):
        here, told = _rank(list(group))
        ranked += here
        notes += told
    if not common:
        notes += _uneven(ranked)
    notes += [ONE_SEED] * any(_ranks_one_seed(list(group)) for _, group in groupby(ranked, key=_group))
    notes += [BUSY] * any(line.row.busy for line in ranked) + [STATED] * any(line.row.stated for line in ranked)
    return Board(columns, ranked, notes)


def sort_rows(rows: Sequence[Row], column: str, columns: Columns) -> list[Row]:
    """Sort rows by a column, the best first, within the groups; empty values come last.

    Args:
        rows: Rows of a leaderboard, group by group.
        column: Name of the column; a `-` in front reverses the order.
        columns: All columns that are known.

    Raises:
        UnknownNameError: There is no such column.
    """
    chosen = columns.find(column.removeprefix("-"))
    key, descending = chosen.key, column.startswith("-")
    found: list[Row] = []
    for _, group in groupby(rows, key=lambda row: row.group):
        here = list(group)
        measured = [row for row in here if row.get(key) is not None]
        found += sorted(measured, key=lambda row: chosen.order(row[key]), reverse=descending)
        found += [row for row in here if row.get(key) is None]
    return found


def by_setting(lines: Iterable[Line]) -> dict[Setting, list[Line]]:
    """Return lines that can be compared, by setting, in the board's order."""
    found: dict[Setting, list[Line]] = {}
    for line in lines:
        found.setdefault(line.setting, []).append(line)
    return found


def _make_line(
    records: list[Record], runs: dict[str, Record], columns: Columns, read: Read | None, metrics: Sequence[str] | None
) -> Line:
    """The line of records of one row.

    Args:
        records: The records.
        runs: All records, by name of the run.
        columns: Columns of the row.
        read: Reads the scores of the test samples; None to do without.
        metrics: Metrics whose scores are read; None for all of them, on the samples that the seeds share.
    """
    common = metrics is None
    chosen = _longest(records) if common else records
    first = Repetitions(chosen).first
    repetitions = Repetitions(chosen, runs.get(first.cell.base))
    key = identity(chosen[0], repetitions.base, common=True)
    if read is None or not repetitions.ok:
        return Line(make_row(columns, repetitions), key=key)
    samples, faults = read_samples(repetitions.ok, read, metrics, columns.pooling, common=common)
    return Line(make_row(columns, repetitions), samples, tuple(faults), key)


def _longest(records: list[Record]) -> list[Record]:
    """The record of most test samples of each seed, a finished one first."""
    best: dict[int, Record] = {}
    for record in sorted(records, key=lambda one: (one.status == "ok", one.n_test or 0)):
        best[record.cell.seed] = record
    return [best[seed] for seed in sorted(best)]


def _unknown_metrics(records: Sequence[Record], columns: Columns) -> list[str]:
    """A line for each metric that records have scores of and no plugin offers."""
    scored = dict.fromkeys(name for record in records for name, score in record.scores.items() if score is not None)
    return [
        f"scores of {name} are not shown: no plugin offers this metric"
        for name in scored
        if name not in columns.metrics
    ]


def _separate_data(lines: Sequence[Line], cells: Sequence[Cell]) -> list[Line]:
    """Give datasets of one name and different data different names, and each row the unit of its dataset.

    Args:
        lines: The lines.
        cells: A cell of each.
    """
    rows = [line.row for line in lines]
    for column, used in (
        ("dataset", [cell.fingerprint for cell in cells]),
        ("test_dataset", [cell.tested_on.fingerprint if cell.tested_on else "" for cell in cells]),
    ):
        found: dict[Setting, set[str]] = {}
        for line, fingerprint in zip(lines, used, strict=True):
            found.setdefault(line.setting, set()).add(fingerprint)
        rows = [
            row.changed(**{column: with_fingerprint(row[column], fingerprint)}) if len(found[line.setting]) > 1 else row
            for row, line, fingerprint in zip(rows, lines, used, strict=True)
        ]
    units = {row["dataset"]: row.unit for row in rows if row.unit}
    return [
        replace(line, row=replace(row, unit=row.unit or units.get(row["dataset"], "")))
        for line, row in zip(lines, rows, strict=True)
    ]


def _share_groups(lines: Sequence[Line], cells: Sequence[Cell]) -> list[Line]:
    """Give the samples of rows without groups, such as of early versions, those that rows of the same data have.

    Args:
        lines: The lines.
        cells: A cell of each.
    """
    known: dict[tuple[str, str], dict[str, str]] = {}
    data = [(cell.scored_on.fingerprint, cell.scored_on.split) for cell in cells]
    for key, line in zip(data, lines, strict=True):
        if line.samples is not None and line.samples.groups:
            known.setdefault(key, {}).update(zip(line.samples.ids, line.samples.groups, strict=True))
    return [_with_groups(line, known.get(key, {})) for key, line in zip(data, lines, strict=True)]


def _with_groups(line: Line, known: Mapping[str, str]) -> Line:
    samples = line.samples
    if samples is None or samples.groups or not all(sample in known for sample in samples.ids):
        return line
    return replace(line, samples=replace(samples, groups=tuple(known[sample] for sample in samples.ids)))


def _restrict(lines: Sequence[Line]) -> tuple[list[Line], list[str]]:
    """Score the lines of each setting on the samples that all of them have; a note for each setting it changes."""
    changed, notes = [], []
    for setting, here in by_setting(lines).items():
        sets = [line.samples for line in here if line.samples is not None]
        if not sets:
            changed += here
            continue
        everywhere = set.intersection(*(set(one.ids) for one in sets))
        shared = [sample for sample in sets[0].ids if sample in everywhere]
        if not shared:
            notes.append(f"{setting.title}: there is no test sample that all methods were scored on")
            changed += here
            continue
        if any(len(one.ids) > len(shared) for one in sets):
            notes.append(f"{setting.title}: all are scored on the {len(shared)} test samples that all have")
        changed += [_on_samples(line, shared) for line in here]
    return changed, notes


def _on_samples(line: Line, shared: Sequence[str]) -> Line:
    """The line, scored on some of its samples; a failed run is listed with as many."""
    if line.samples is None:
        failed = line.row["status"] != "ok"
        return replace(line, row=line.row.changed(n_test=len(shared))) if failed else line
    samples = line.samples.only(shared)
    scores = {column.key: samples.pooled(metric) for metric, column in line.row.columns.metrics.items()}
    return replace(line, row=line.row.changed(n_test=len(shared), **scores), samples=samples)


def _with_scores_of_samples(line: Line) -> Row:
    """The row with what the scores of its samples tell: interval, number of groups, scores that are not means."""
    samples, columns = line.samples, line.row.columns
    if samples is None:
        # a record of an early version holds the mean of such scores
        unknown = columns.pooling if line.faults else ()
        return line.row.changed(**dict.fromkeys((columns.metrics[name].key for name in unknown), None))
    pooled = [name for name in columns.pooling if name in samples.values]
    found: dict[str, Value] = {columns.metrics[name].key: samples.pooled(name) for name in pooled}
    found["n_groups"] = samples.n_groups if samples.n_groups < len(samples.ids) else None
    metric = columns.ranking.metric
    if metric in samples.values:
        ends = interval(samples.values[metric], samples.grouping, samples.pooling_of(metric)) or (None, None)
        found |= dict(zip(columns.interval, ends, strict=True))
    return line.row.changed(**found)


def _group(line: Line) -> tuple[str | int, ...]:
    """What lines that are ranked together agree in."""
    return line.row.group


def _ranks_one_seed(group: Sequence[Line]) -> bool:
    """Whether several methods are ranked, one with scores of one seed."""
    ranked = [line.row for line in group if line.row["rank"] is not None and line.samples is not None]
    return len(ranked) > 1 and any(row.of_one_seed for row in ranked)


def _order(row: Row) -> tuple[bool, float]:
    """Sort key of rows: the best score first, a missing one last."""
    return row.score is None, 0.0 if row.score is None else row.columns.ranking.order(row.score)


def _rank(group: list[Line]) -> tuple[list[Line], list[str]]:
    """Rank the lines of a group, which are in order; methods indistinguishable from the best share its rank."""
    ranking = group[0].row.columns.ranking
    able = [number for number, line in enumerate(group) if line.row.score is not None]
    # if scores of samples are known, lines without them are not ranked
    able = [number for number in able if _has_samples(group[number])] or able
    sets = [samples for number in able if (samples := group[number].samples) is not None]
    title, n = group[0].setting.title, sets[0].n_groups if sets else 0
    if len({frozenset(one.ids) for one in sets}) > 1:
        return group, [f"{title}: not ranked, test samples differ; --common takes the shared ones"]
    if len(sets) > 1 and n < (least := least_samples(len(sets) - 1)):
        few = f"{sets[0].extent} cannot distinguish {len(sets)} methods"
        return group, [f"{title}: not ranked, {few}; at least {least} are needed"]
    tied = indistinguishable(sets[0], sets[1:], ranking.metric, ranking.better) if len(sets) > 1 else []
    ranked = list(group)
    leading = [True, *tied] if tied else [rank == 0 for rank in range(len(able))]
    for rank, (number, leads) in enumerate(zip(able, leading, strict=True), 1):
        row = group[number].row.changed(rank=1 if leads else rank)
        ranked[number] = replace(group[number], row=replace(row, tied=leads and any(tied)))
    return ranked, []


def _has_samples(line: Line) -> bool:
    return line.samples is not None and line.row.columns.ranking.metric in line.samples.values


def _uneven(lines: Sequence[Line]) -> list[str]:
    """A line for each setting whose methods were scored on different numbers of samples."""
    counts: dict[Setting, set[int]] = {}
    for line in lines:
        if line.row.score is not None and line.row["n_test"] is not None:
            counts.setdefault(line.setting, set()).add(line.row["n_test"])
    return [
        f"{setting.title}: ranked separately, as methods were scored on {' or '.join(map(str, sorted(found)))} test "
        "samples; --common ranks them on those that all have"
        for setting, found in counts.items()
        if len(found) > 1
    ]
