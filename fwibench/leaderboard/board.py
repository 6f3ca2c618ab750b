"""Records to a leaderboard.

Invariant: rows are ranked only among those of the same dataset, source, split, track, profile and test samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from fwibench.errors import UnknownNameError
from fwibench.leaderboard.columns import COLUMNS
from fwibench.leaderboard.comparison import least_samples, not_told_apart
from fwibench.leaderboard.intervals import interval
from fwibench.leaderboard.rows import GROUP, Row, identity, label, make_row, with_fingerprint
from fwibench.leaderboard.samples import Read, Samples, read_samples
from fwibench.runs.artefacts.record import Record
from fwibench.text.readable import counted

PLACE = tuple(name for name in GROUP if name != "n_test")
"""Rows that agree in these can be compared on the samples they share."""
SCORES = {"mae": "mae", "mse": "mse", "rmse": "rmse", "ssim": "ssim", "ssim_wang": "ssim-wang"}
SCORES["data_misfit"] = "data-misfit"
"""Metric of each column of scores."""
BUSY = (
    "*: times were taken while other processes used the cores, on an idle machine they are shorter; show RUN says how "
    "busy it was"
)


@dataclass
class Line:
    """A row and what it is made of.

    Attributes:
        row: The row.
        samples: Scores of its test samples; None if there are none.
        faults: Why there are none.
        key: What its records agree in, however many test samples they were scored on.
    """

    row: Row
    samples: Samples | None = field(default=None, repr=False)
    faults: list[str] = field(default_factory=list)
    key: str = field(default="", repr=False)

    @property
    def label(self) -> str:
        """The method with its options."""
        return label(self.row)

    @property
    def place(self) -> tuple[str, ...]:
        """Where it can be compared."""
        return tuple(str(self.row[name]) for name in PLACE)

    @property
    def group(self) -> tuple[str | int, ...]:
        """Where it is ranked."""
        return *self.place, self.row["n_test"] or 0


@dataclass
class Board:
    """A leaderboard.

    Attributes:
        lines: By group and MAE.
        notes: What to know before the rows are compared.
        busy: `run_ids` of the rows whose times were taken beside other work on the machine.
    """

    lines: list[Line]
    notes: list[str]
    busy: frozenset[str] = frozenset()

    @property
    def rows(self) -> list[Row]:
        """What is printed and exported."""
        return [line.row for line in self.lines]


def make_rows(records: Iterable[Record], read: Read | None = None) -> list[Row]:
    """The rows of `make_board`."""
    return make_board(records, read).rows


def make_board(
    records: Iterable[Record], read: Read | None = None, *, metrics: Sequence[str] = (), common: bool = False
) -> Board:
    """Aggregates records to rows, one for each method with its options, and ranks them by MAE.

    Args:
        records: Of any cells.
        read: Gives the scores of the test samples, for intervals and ties; None to do without.
        metrics: Whose scores are read, beside those that are needed here.
        common: Score all methods of a place on the test samples that all of them have.
    """
    every = list(records)
    runs = {record.run_id: record for record in every}
    cells: dict[str, list[Record]] = {}
    for record in every:
        cells.setdefault(identity(record, runs.get(record.cell.base), common=common), []).append(record)
    lines, busy = [], set()
    for same in cells.values():
        chosen = _longest(same) if common else same
        good = [record for record in chosen if record.status == "ok"]
        base = runs.get((good or chosen)[0].cell.base)
        line = Line(make_row(chosen, base), key=identity(chosen[0], base, common=True))
        if any(record.load and record.load.busy for record in good):
            busy.add(line.row["run_ids"])
        if read is not None and good:
            line.samples, line.faults = read_samples(good, read, None if common else ["mae", *metrics], common=common)
        lines.append(line)
    notes = [fault for line in lines for fault in line.faults]
    _tell_data_apart(lines, [same[0].cell.fingerprint for same in cells.values()])
    if common:
        notes += _restrict(lines)
    for line in lines:
        _add_interval(line)
    lines.sort(key=lambda line: (line.group, line.row["mae"] is None, line.row["mae"] or 0.0, line.label))
    for _, group in groupby(lines, key=lambda line: line.group):
        notes += _rank(list(group))
    if not common:
        notes += _uneven(lines)
    return Board(lines, [*notes, BUSY] if busy else notes, frozenset(busy))


def sort_rows(rows: list[Row], column: str) -> list[Row]:
    """Sorts by a column, the best first, within the groups; what is empty comes last.

    Args:
        rows: Of a leaderboard, group by group.
        column: Its name; a `-` in front turns the order round.

    Raises:
        UnknownNameError: There is no such column.
    """
    name = column.removeprefix("-").replace("-", "_")
    if name not in COLUMNS:
        raise UnknownNameError.among("column", name, COLUMNS)
    down = (COLUMNS[name].best == "high") != column.startswith("-")
    found: list[Row] = []
    for _, group in groupby(rows, key=lambda row: tuple(row[key] for key in GROUP)):
        here = list(group)
        there = [row for row in here if row[name] is not None]
        found += sorted(there, key=lambda row: row[name], reverse=down)
        found += [row for row in here if row[name] is None]
    return found


def _longest(records: list[Record]) -> list[Record]:
    """Of each seed the record of most test samples, a finished one first."""
    best: dict[int, Record] = {}
    for record in sorted(records, key=lambda one: (one.status == "ok", one.n_test or 0)):
        best[record.cell.seed] = record
    return [best[seed] for seed in sorted(best)]


def _tell_data_apart(lines: list[Line], fingerprints: list[str]) -> None:
    """Gives datasets of one name and different data names of their own."""
    found: dict[tuple[str, ...], set[str]] = {}
    places = [line.place for line in lines]
    for place, fingerprint in zip(places, fingerprints, strict=True):
        found.setdefault(place, set()).add(fingerprint)
    for line, place, fingerprint in zip(lines, places, fingerprints, strict=True):
        if len(found[place]) > 1:
            line.row["dataset"] = with_fingerprint(line.row["dataset"], fingerprint)


def _restrict(lines: list[Line]) -> list[str]:
    """Scores the lines of each place on the samples that all of them have; a line for each that cannot be."""
    notes = []
    for place, here in by_place(lines).items():
        sets = [line.samples for line in here if line.samples is not None]
        if not sets:
            continue
        others = set.intersection(*(set(one.ids) for one in sets))
        shared = [sample for sample in sets[0].ids if sample in others]
        if not shared:
            notes.append(f"{name_of(place)}: there is no test sample that all methods were scored on")
            continue
        if any(len(one.ids) > len(shared) for one in sets):
            notes.append(f"{name_of(place)}: all are scored on the {len(shared)} test samples that all have")
        for line in here:
            if line.samples is not None:
                line.samples = line.samples.only(shared)
                line.row.update({name: line.samples.mean(metric) for name, metric in SCORES.items()})
            if line.samples is not None or line.row["status"] != "ok":
                line.row["n_test"] = len(shared)
    return notes


def _add_interval(line: Line) -> None:
    if line.samples is not None and "mae" in line.samples.values:
        ends = interval(line.samples.values["mae"]) or (None, None)
        line.row["mae_ci_low"], line.row["mae_ci_high"] = ends


def _rank(group: list[Line]) -> list[str]:
    """Ranks a group that is sorted by MAE; whatever cannot be told from the best shares its rank."""
    ranked = [line for line in group if line.row["mae"] is not None]
    # where samples are known, nobody is ranked without
    ranked = [line for line in ranked if line.samples and "mae" in line.samples.values] or ranked
    sets = [line.samples for line in ranked if line.samples]
    place, n = name_of(group[0].place), len(sets[0].ids) if sets else 0
    if len({frozenset(one.ids) for one in sets}) > 1:
        return [f"{place}: not ranked, test samples differ; --common takes the shared ones"]
    if len(sets) > 1 and n < (least := least_samples(len(sets) - 1)):
        samples = counted(n, "test sample")
        return [f"{place}: not ranked, {samples} cannot tell {len(sets)} methods apart; {least} is the least"]
    tied = not_told_apart(sets[0], sets[1:], "mae") if len(sets) > 1 else [False] * len(ranked)
    for rank, line in enumerate(ranked, 1):
        line.row["rank"] = 1 if rank > 1 and tied[rank - 2] else rank
    return []


def _uneven(lines: list[Line]) -> list[str]:
    """A line for each place whose methods were scored on different numbers of samples."""
    counts: dict[tuple[str, ...], set[int]] = {}
    for line in lines:
        if line.row["mae"] is not None and line.row["n_test"] is not None:
            counts.setdefault(line.place, set()).add(line.row["n_test"])
    return [
        f"{name_of(place)}: ranked apart, for methods were scored on {' or '.join(map(str, sorted(found)))} test "
        "samples; --common ranks them on those that all have"
        for place, found in counts.items()
        if len(found) > 1
    ]


def by_place(lines: Iterable[Line]) -> dict[tuple[str, ...], list[Line]]:
    """Lines that can be compared, in the board's order."""
    found: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        found.setdefault(line.place, []).append(line)
    return found


def name_of(place: tuple[str, ...]) -> str:
    """A place in a line."""
    dataset, source, split, track, profile = place
    return f"{dataset} ({source}), split {split}, track {track}, profile {profile}"
