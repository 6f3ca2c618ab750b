"""Records to a leaderboard.

Invariant: rows are ranked only among those of the same dataset, source, split, track, profile and test samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from fwibench.errors import UnknownNameError
from fwibench.leaderboard.columns import COLUMNS
from fwibench.leaderboard.comparison import ALPHA, not_told_apart
from fwibench.leaderboard.intervals import interval
from fwibench.leaderboard.rows import GROUP, Row, identity, label, make_row
from fwibench.leaderboard.samples import Read, Samples, read_samples
from fwibench.runs.record import Record

PLACE = tuple(name for name in GROUP if name != "n_test")
"""Rows that agree in these can be compared on the samples they share."""
SCORES = {"mae": "mae", "mse": "mse", "rmse": "rmse", "ssim": "ssim", "ssim_wang": "ssim-wang"}
SCORES["data_misfit"] = "data-misfit"
"""Metric of each column of scores."""


@dataclass
class Line:
    """A row and what it is made of.

    Attributes:
        row: The row.
        samples: Scores of its test samples; None if there are none.
    """

    row: Row
    samples: Samples | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """The method with its options."""
        return label(self.row)

    @property
    def place(self) -> tuple[str, ...]:
        """Where it can be compared."""
        return tuple(str(self.row[name]) for name in PLACE)

    @property
    def group(self) -> tuple[str, ...]:
        """Where it is ranked."""
        return *self.place, str(self.row["n_test"])


@dataclass
class Board:
    """A leaderboard.

    Attributes:
        lines: By group and MAE.
        notes: What to know before the rows are compared.
    """

    lines: list[Line]
    notes: list[str]

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
    cells: dict[str, list[Record]] = {}
    for record in every:
        cells.setdefault(identity(record, common=common), []).append(record)
    notes: list[str] = []
    lines = []
    for same in cells.values():
        chosen = _longest(same) if common else same
        line = Line(make_row(chosen))
        good = [record for record in chosen if record.status == "ok"]
        if read is not None and good:
            line.samples, faults = read_samples(good, read, None if common else ["mae", *metrics])
            notes += faults
        lines.append(line)
    _tell_data_apart(lines, [same[0].cell.fingerprint for same in cells.values()])
    if common:
        notes += _restrict(lines)
    for line in lines:
        _add_interval(line)
    lines.sort(key=lambda line: (line.group, line.row["mae"] is None, line.row["mae"] or 0.0, line.label))
    for _, group in groupby(lines, key=lambda line: line.group):
        notes += _rank(list(group))
    return Board(lines, notes if common else [*notes, *_uneven(lines)])


def sort_rows(rows: list[Row], column: str) -> list[Row]:
    """Sorts by a column, the best first, within the groups; what is empty comes last.

    Args:
        rows: Of a leaderboard, group by group.
        column: Its name; a `-` in front turns the order round.

    Raises:
        UnknownNameError: There is no such column.
    """
    name = column.removeprefix("-")
    if name not in COLUMNS:
        raise UnknownNameError.among("column", name, COLUMNS)
    down = (COLUMNS[name].best == "high") != (name != column)
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
            line.row["dataset"] += f"@{fingerprint[:8]}"


def _restrict(lines: list[Line]) -> list[str]:
    """Scores the lines of each place on the samples that all of them have; a line for each that cannot be."""
    notes = []
    by_place: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        if line.samples is not None:
            by_place.setdefault(line.place, []).append(line)
        elif line.row["status"] == "ok":
            notes.append(f"{line.label} has no scores of single samples and is ranked by itself")
    for place, here in by_place.items():
        sets = [line.samples for line in here if line.samples is not None]
        others = set.intersection(*(set(one.ids) for one in sets))
        shared = [sample for sample in sets[0].ids if sample in others]
        if not shared:
            notes.append(f"{name_of(place)}: there is no test sample that all methods were scored on")
        elif any(len(one.ids) > len(shared) for one in sets):
            notes.append(f"{name_of(place)}: all are scored on the {len(shared)} test samples that all have")
            for line, samples in zip(here, sets, strict=True):
                line.samples = samples.only(shared)
                line.row["n_test"] = len(shared)
                line.row.update({name: line.samples.mean(metric) for name, metric in SCORES.items()})
    return notes


def _add_interval(line: Line) -> None:
    if line.samples is not None and "mae" in line.samples.values:
        ends = interval(line.samples.values["mae"]) or (None, None)
        line.row["mae_ci_low"], line.row["mae_ci_high"] = ends


def _rank(group: list[Line]) -> list[str]:
    """Ranks a group that is sorted by MAE; whatever cannot be told from the best shares its rank."""
    ranked = [line for line in group if line.row["mae"] is not None]
    for rank, line in enumerate(ranked, 1):
        line.row["rank"] = rank
    tested = [(line, line.samples) for line in ranked if line.samples and "mae" in line.samples.values]
    if len({frozenset(samples.ids) for _, samples in tested}) > 1:
        for line in ranked:
            line.row["rank"] = None
        return [f"{name_of(group[0].place)}: not ranked, test samples differ; --common takes the shared ones"]
    if len(tested) < 2 or tested[0][0] is not ranked[0]:
        return []
    (_, best), *others = tested
    n = len(best.ids)
    tied = not_told_apart(best, [samples for _, samples in others], "mae")
    for (line, _), same in zip(others, tied, strict=True):
        if same:
            line.row["rank"] = 1
    # the signed-rank test of n pairs has no p-value below 2 ** (1 - n)
    enough = 1 + math.ceil(math.log2(len(others) / ALPHA))
    if n >= enough:
        return []
    samples = f"{n} test sample{'s' * (n > 1)}"
    return [f"{name_of(group[0].place)}: {samples} cannot tell {len(tested)} methods apart; {enough} is the least"]


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


def name_of(place: tuple[str, ...]) -> str:
    """A place in a line."""
    dataset, source, split, track, profile = place
    return f"{dataset} ({source}), split {split}, track {track}, profile {profile}"
