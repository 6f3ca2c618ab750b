"""Boards: entries that can be compared, as the tables of their leaderboard.

Invariant: a table holds entries of one fingerprint, split, profile, track and budget, each of whose metrics has one
version. Its rows are those of `fwibench leaderboard` for the same runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fwibench.boards.board import Board, make_board
from fwibench.boards.published import with_published
from fwibench.boards.rows import Columns, Setting
from fwibench.plugins.registry import Registry
from fwibench.report.page.summary import Best, summarise
from fwibench.report.page.tables import Group, make_groups
from fwibench.report.site.entries import Entry, differing_versions, latest
from fwibench.report.site.names import page_name
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.scores import Scores

SHORT = 8
"""Digits of a fingerprint in the name of a page."""


class Place(NamedTuple):
    """What the entries of a board have in common.

    Attributes:
        setting: What its rows have in common.
        fingerprint: Fingerprint of the dataset.
        tested: Fingerprint and split of the dataset with the test samples, if that is another one.
    """

    setting: Setting
    fingerprint: str
    tested: tuple[str, str]

    @property
    def page(self) -> str:
        """Name of its page, which later entries do not change."""
        words = (*self.setting.words, self.fingerprint[:SHORT], self.tested[0][:SHORT], self.tested[1])
        return page_name("-".join(filter(None, words)))


@dataclass(frozen=True)
class Section:
    """Entries of a board whose metrics have the same versions.

    Attributes:
        versions: The versions in words, where other sections of the board have others.
        submitted: The entries in the order of submission, former entries of a cell included.
        board: Leaderboard of the latest entry of each cell.
        groups: Its tables, with those of published rows.
        best: The best of each of its tables.
    """

    versions: str
    submitted: Sequence[Entry] = field(repr=False)
    board: Board = field(repr=False)
    groups: Sequence[Group] = field(repr=False)
    best: Sequence[Best] = field(repr=False)

    @property
    def entries(self) -> list[Entry]:
        """Those that stand on the board."""
        runs = {run for row in self.board.rows for run in row.run_ids}
        return [entry for entry in latest(self.submitted) if entry.record.run_id in runs]


@dataclass(frozen=True)
class BoardPage:
    """The page of a board.

    Attributes:
        place: What its entries have in common.
        sections: By versions of metrics, the latest first.
    """

    place: Place
    sections: Sequence[Section]

    @property
    def page(self) -> str:
        """Name of the page."""
        return self.place.page

    @property
    def entries(self) -> list[Entry]:
        """Those that stand on the board."""
        return [entry for section in self.sections for entry in section.entries]

    @property
    def tables(self) -> list[tuple[str, Section]]:
        """Each section with the name of its files."""
        # no name of a page ends in a tilde and a number
        return [(self.page if not n else f"{self.page}~{n + 1}", section) for n, section in enumerate(self.sections)]

    @property
    def unit(self) -> str:
        """Unit of the ranking metric."""
        row = self.sections[0].board.rows[0]
        return row.columns.ranking.unit(row.unit)


def make_boards(entries: Sequence[Entry], columns: Columns, registry: Registry | None = None) -> list[BoardPage]:
    """Return the boards, sorted by what their entries have in common.

    Args:
        entries: Entries in the order of submission.
        columns: Columns of all metrics.
        registry: Its methods tell published numbers; None to show none.
    """
    found: dict[Place, list[Entry]] = {}
    for entry in entries:
        found.setdefault(place_of(entry.record), []).append(entry)
    return [BoardPage(place, _sections(found[place], columns, registry)) for place in sorted(found)]


def place_of(record: Record) -> Place:
    """Return on which board a run stands."""
    cell, tested = record.cell, record.cell.tested_on
    setting = Setting(
        dataset=cell.fitted_on.variant,
        source=record.source,
        split=cell.split,
        track=record.track,
        profile=cell.profile,
        test_dataset=tested.variant if tested else "",
        budget_s="" if cell.budget is None else str(cell.budget),
    )
    return Place(setting, cell.fingerprint, (tested.fingerprint, tested.split) if tested else ("", ""))


def rank(entries: Sequence[Entry], columns: Columns) -> Board:
    """Return the leaderboard of entries, as `fwibench leaderboard` makes it.

    Args:
        entries: One for each cell.
        columns: Columns of all metrics.
    """
    scores = {entry.record.cell.key: entry.scores for entry in entries}

    def read(record: Record, metrics: Sequence[str] | None) -> Scores:
        return scores[record.cell.key]

    return make_board((entry.record for entry in entries), columns, read)


def _sections(entries: Sequence[Entry], columns: Columns, registry: Registry | None) -> list[Section]:
    differing = differing_versions(entries)
    found: dict[tuple[tuple[int, str, str], ...], list[Entry]] = {}
    for entry in entries:
        # an entry without scores of a metric can stand beside any version of it
        used = {metric: entry.metrics.get(metric, versions[-1]) for metric, versions in differing.items()}
        key = tuple((differing[metric].index(version), metric, version) for metric, version in used.items())
        found.setdefault(key, []).append(entry)
    standing = {entry.order for entry in latest(entries)}
    sections: list[Section] = []
    for key in sorted(found, reverse=True):
        current = [entry for entry in found[key] if entry.order in standing]
        if not current:
            continue
        board = rank(current, columns)
        rows = with_published(board.rows, registry) if registry and not sections else board.rows
        before = sum(len(group.rows) for section in sections for group in section.groups)
        groups = make_groups(rows, before)
        versions = ", ".join(f"{metric} version {version}" for _, metric, version in key)
        sections.append(Section(versions, found[key], board, groups, summarise(groups)))
    return sections
