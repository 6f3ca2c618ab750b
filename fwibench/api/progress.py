"""Progress of a run: bars with the remaining time on a terminal, plain lines in a pipe.

By default progress goes to standard error, so that standard output holds only results.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from fwibench.boards.rows import Column
from fwibench.runs.artefacts.record import Record
from fwibench.runs.planning.plan import PlannedCell
from fwibench.text.readable import show_number, show_seconds

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset

LINE_EVERY_S = 10.0
"""Least time between two lines of progress [s]."""


def make_listener(console: Console | None = None, ranking: Column | None = None) -> Bars | Lines:
    """Return the listener that suits a console: bars on a terminal, lines in a pipe and in a notebook.

    Args:
        console: Where the progress is printed; default: standard error.
        ranking: Column of the metric whose score is shown of finished cells; None shows no score.
    """
    console = console or Console(stderr=True, highlight=False)
    display = Bars if console.is_terminal and not console.is_jupyter else Lines
    return display(console, ranking)


def _describe(planned: PlannedCell, number: int, total: int) -> str:
    return f"[{number}/{total}] {planned.cell.method} on {planned.cell.dataset}, seed {planned.cell.seed}"


def _outcome(record: Record, ranking: Column | None, *, cached: bool) -> str:
    name = f"{record.cell.method} on {record.cell.dataset}, seed {record.cell.seed}"
    if record.status != "ok":
        return f"{name}: {record.status}: {record.reason}"
    facts = ["finished before" if cached else show_seconds(record.wall_s)]
    if ranking is not None:
        unit = ranking.unit(record.unit)
        facts.insert(0, f"{ranking.title} {show_number(record.scores.get(ranking.metric))} {unit}".rstrip())
    return "; ".join((f"{name}: {', '.join(facts)}", *record.notes))


def _scalars(report: dict[str, Any]) -> str:
    shown = {name: value for name, value in report.items() if "loss" in name}
    return "  ".join(f"{name} {show_number(value)}" for name, value in shown.items())


class _Display:
    """What bars and lines have in common."""

    def started(self, planned: PlannedCell, number: int, total: int) -> None:
        """Show that a cell starts.

        Args:
            planned: The cell.
            number: Its number, from 1.
            total: Number of cells.
        """
        self.begin(_describe(planned, number, total))

    def begin(self, name: str) -> None:
        """Show that a task starts; the next events belong to it."""
        raise NotImplementedError


class Bars(_Display):
    """Progress bars for a terminal.

    Args:
        console: Where the progress is printed.
        ranking: Column of the score that is shown of finished cells; None shows no score.
    """

    def __init__(self, console: Console, ranking: Column | None = None) -> None:
        self._ranking = ranking
        # names of files and the notes of a method may hold square brackets
        description, note = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[note]}"))
        columns = (description, BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(), note)
        self._progress = Progress(*columns, console=console, transient=True)
        self._task: TaskID | None = None
        self._name = self._stage = ""

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def preparing(self, dataset: Dataset, done: int, total: int) -> None:
        """Show how many samples of a dataset are prepared.

        Args:
            dataset: The dataset.
            done: Number of samples that are prepared.
            total: Number of samples to prepare.
        """
        self._show(f"preparing {dataset.spec.name}", done, total)
        if done == total:
            self._clear()

    def begin(self, name: str) -> None:
        """Show that a task starts; the next events belong to it."""
        self._clear()
        self._name = name

    def event(self, event: dict[str, Any]) -> None:
        """Show the stage or the numbers that the running task reports."""
        report = event.get("report", {})
        if "stage" in event:
            self._clear()
            self._stage = f"{self._name}: {event['stage']}"
            self._show(self._stage, 0, None)
        elif "steps" in report:
            self._show(self._stage, report["step"], report["steps"], _scalars(report))

    def finished(self, record: Record, *, cached: bool) -> None:
        """Show the result of a cell; `cached` if it had finished in an earlier run."""
        self._clear()
        self._progress.console.print(_outcome(record, self._ranking, cached=cached), markup=False)

    def _show(self, text: str, done: float, total: float | None, note: str = "") -> None:
        if self._task is None:
            self._task = self._progress.add_task(text, total=total, note=note)
        self._progress.update(self._task, description=text, completed=done, total=total, note=note)

    def _clear(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None


class Lines(_Display):
    """Lines of progress for a pipe, one every ten seconds at most.

    Args:
        console: Where the progress is printed.
        ranking: Column of the score that is shown of finished cells; None shows no score.
    """

    def __init__(self, console: Console, ranking: Column | None = None) -> None:
        self._console, self._ranking = console, ranking
        self._name = self._stage = ""
        self._last = 0.0
        self._begun = 0.0
        self._made: int | None = None

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def preparing(self, dataset: Dataset, done: int, total: int) -> None:
        """Show how many samples of a dataset are prepared.

        Args:
            dataset: The dataset.
            done: Number of samples that are prepared.
            total: Number of samples to prepare.
        """
        if self._made is None:
            self._begun, self._made = time.monotonic(), done
        self._tick(f"preparing {dataset.spec.name}", done, total, always=done == total, before=self._made)
        if done == total:
            self._made = None

    def begin(self, name: str) -> None:
        """Show that a task starts; the next events belong to it."""
        self._name = name
        self._print(name)

    def event(self, event: dict[str, Any]) -> None:
        """Show the stage or the numbers that the running task reports."""
        report = event.get("report", {})
        if "stage" in event:
            self._begun = self._last = time.monotonic()
            self._stage = f"{self._name}: {event['stage']}"
            if event["stage"].startswith("waiting"):
                self._print(self._stage)
        elif report.get("steps"):
            self._tick(self._stage, report["step"], report["steps"], _scalars(report))

    def finished(self, record: Record, *, cached: bool) -> None:
        """Show the result of a cell; `cached` if it had finished in an earlier run."""
        self._print(_outcome(record, self._ranking, cached=cached))

    def _tick(
        self, text: str, done: float, total: float, note: str = "", *, always: bool = False, before: float = 0
    ) -> None:
        now = time.monotonic()
        if not always and now - self._last < LINE_EVERY_S:
            return
        self._last = now
        left = (now - self._begun) * (total - done) / (done - before) if done > before else None
        remaining = f", {show_seconds(left)} left" if left else ""
        self._print(f"{text} {done:g}/{total:g}{remaining}{'  ' + note if note else ''}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)
