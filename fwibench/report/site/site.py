"""A site: boards, datasets and methods of some entries, and what all of its pages share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from fwibench.boards.columns import columns_of, show_interval, show_score
from fwibench.boards.rows import Column, Columns, Row
from fwibench.plugins.registry import Registry
from fwibench.report.site.boards import BoardPage, Section, make_boards
from fwibench.report.site.entries import Entry, Submission, latest
from fwibench.report.site.names import page_name

NEWEST = 12
"""Additions that the first page lists."""


@dataclass(frozen=True)
class Addition:
    """An entry with its board, its table there and its row."""

    entry: Entry
    board: BoardPage
    section: Section
    row: Row


@dataclass(frozen=True)
class Topic:
    """A method or a dataset.

    Attributes:
        name: Its name.
        summary: What it is; empty if nothing that is installed has the name.
        boards: Boards that it stands on.
        entries: Entries of it, in the order of submission.
    """

    name: str
    summary: str
    boards: Sequence[BoardPage]
    entries: Sequence[Entry]

    @property
    def page(self) -> str:
        """Name of its page."""
        return page_name(self.name)


class Site:
    """What the pages show.

    Args:
        entries: At least one entry, in the order of submission.
        registry: Where methods, datasets and metrics are looked up.
        title: Heading.
        published: Whether published numbers are shown.

    Attributes:
        title: Heading.
        registry: Where methods, datasets and metrics are looked up.
        columns: Columns of all metrics.
        submitted: All entries, former entries of a cell included.
        boards: The boards.
        additions: The entries that stand on boards, by name of their page.
    """

    def __init__(self, entries: Sequence[Entry], registry: Registry, title: str, *, published: bool) -> None:
        self.title, self.registry, self.submitted = title, registry, entries
        self.columns: Columns = columns_of(registry)
        self.boards = make_boards(entries, self.columns, registry if published else None)
        self.additions: dict[str, Addition] = {}
        for board in self.boards:
            for section in board.sections:
                rows = {run: row for row in section.board.rows for run in row.run_ids}
                for entry in section.entries:
                    self.additions[entry.page] = Addition(entry, board, section, rows[entry.record.run_id])
        self._by_run = {one.entry.record.run_id: one.entry for one in self.additions.values()}

    @property
    def ranking(self) -> Column:
        """Column of the metric that ranks."""
        return self.columns.ranking

    @cached_property
    def entries(self) -> list[Entry]:
        """The entries that stand on boards, in the order of submission."""
        return latest(self.submitted)

    @cached_property
    def submissions(self) -> list[Submission]:
        """The bundles."""
        return list({entry.submission.sha256: entry.submission for entry in self.submitted}.values())

    @property
    def updated(self) -> datetime:
        """When the latest bundle was made."""
        return self.submitted[-1].submission.created

    @cached_property
    def latest(self) -> list[Addition]:
        """The latest additions, the newest first."""
        return [self.additions[entry.page] for entry in self.entries[: -NEWEST - 1 : -1]]

    @cached_property
    def methods(self) -> list[Topic]:
        """The methods by name."""
        known = {name: offer.spec.summary for name, offer in self.registry.methods.items()}
        made_here = {entry.record.cell.method for entry in self.entries if not entry.external}
        return self._topics({name: known.get(name, "") for name in made_here}, lambda entry: [entry.record.cell.method])

    @cached_property
    def datasets(self) -> list[Topic]:
        """The datasets by name."""
        known = {name: offer.spec.summary for name, offer in self.registry.datasets.items()}
        return self._topics(known, lambda entry: entry.record.cell.datasets)

    @cached_property
    def pages_of_methods(self) -> dict[str, str]:
        """Name of the page of each method."""
        return {method.name: method.page for method in self.methods}

    @property
    def counts(self) -> list[tuple[int, str]]:
        """How much there is: numbers, each with what it counts."""
        numbers = {
            "board": len(self.boards),
            "entry": len(self.entries),
            "dataset": len(self.datasets),
            "method": len(self.methods),
            "bundle": len(self.submissions),
        }
        plural = {"entry": "entries"}
        return [(number, name if number == 1 else plural.get(name, f"{name}s")) for name, number in numbers.items()]

    def _topics(self, known: Mapping[str, str], names: Callable[[Entry], Iterable[str]]) -> list[Topic]:
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            for name in names(entry):
                found.setdefault(name, []).append(entry)
        return [Topic(name, known.get(name, ""), self._boards_of(found[name]), found[name]) for name in sorted(found)]

    def _boards_of(self, entries: Iterable[Entry]) -> list[BoardPage]:
        pages = {self.additions[entry.page].board.page for entry in entries}
        return [board for board in self.boards if board.page in pages]

    def entries_of(self, row: Row) -> list[Entry]:
        """Return the entries of a row, by seed; none of a published row."""
        found = [self._by_run[run] for run in row.run_ids if run in self._by_run]
        return sorted(found, key=lambda entry: entry.record.cell.seed)

    def rank_text(self, row: Row) -> str:
        """Return the rank of a row as its table shows it."""
        return self.columns.find("rank").text(row)

    def score_text(self, row: Row) -> str:
        """Return the score of a row with its unit."""
        return show_score(row)

    def interval_text(self, row: Row) -> str:
        """Return the interval of a row's score."""
        return show_interval(row)
