"""Progress of a run: bars with the remaining time on a terminal, plain lines in a pipe.

By default progress goes to standard error, so that standard output holds only results.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
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
    return f"[{number}/{total}] {planned.cell.method} on {planned.cell.place}, seed {planned.cell.seed}"


def _outcome(record: Record, ranking: Column | None, *, cached: bool) -> str:
    name = f"{record.cell.method} on {record.cell.place}, seed {record.cell.seed}"
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
        self.begin(_describe(planned, number, total), planned.cell.run_id)

    def begin(self, name: str, run: str = "") -> None:
        """Show that a task starts.

        Args:
            name: What is shown of it.
            run: Identifies it in `event`.
        """
        raise NotImplementedError


@dataclass
class _Bar:
    """Bar of a running task."""

    name: str
    task: TaskID


class Bars(_Display):
    """Progress bars for a terminal, one for each task that runs.

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
        self._bars: dict[str, _Bar] = {}

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
        name = f"preparing {dataset.spec.name}"
        if name not in self._bars:
            self.begin(name, name)
        self._progress.update(self._bars[name].task, completed=done, total=total)
        if done == total:
            self._end(name)

    def begin(self, name: str, run: str = "") -> None:
        """Show that a task starts.

        Args:
            name: What is shown of it.
            run: Identifies it in `event`.
        """
        self._end(run)
        self._bars[run] = _Bar(name, self._progress.add_task(name, total=None, note=""))

    def event(self, run: str, event: dict[str, Any]) -> None:
        """Show the stage or the numbers that a running task reports.

        Args:
            run: The task, as in `begin`.
            event: What it reports.
        """
        if (bar := self._bars.get(run)) is None:
            return
        report = event.get("report", {})
        if "stage" in event:
            self._progress.reset(bar.task, description=f"{bar.name}: {event['stage']}", total=None, note="")
        elif "steps" in report:
            note = _scalars(report)
            self._progress.update(bar.task, completed=report["step"], total=report["steps"], note=note)

    def finished(self, record: Record, *, cached: bool) -> None:
        """Show the result of a cell; `cached` if it had finished in an earlier run."""
        self._end(record.run_id)
        self._progress.console.print(_outcome(record, self._ranking, cached=cached), markup=False)

    def _end(self, run: str) -> None:
        if (bar := self._bars.pop(run, None)) is not None:
            self._progress.remove_task(bar.task)


@dataclass
class _Line:
    """What was printed of a running task.

    Attributes:
        name: What is shown of it.
        stage: The name with its current stage.
        begun: When the stage began.
        last: When a line of the stage was printed, or the stage began.
        before: Number of steps that were done when the stage began.
    """

    name: str
    stage: str = ""
    begun: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)
    before: float = 0.0


class Lines(_Display):
    """Lines of progress for a pipe, one every ten seconds at most for each task.

    Args:
        console: Where the progress is printed.
        ranking: Column of the score that is shown of finished cells; None shows no score.
    """

    def __init__(self, console: Console, ranking: Column | None = None) -> None:
        self._console, self._ranking = console, ranking
        self._lines: dict[str, _Line] = {}

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
        name = f"preparing {dataset.spec.name}"
        line = self._lines.setdefault(name, _Line(name, name, last=0.0, before=done))
        self._tick(line, done, total, always=done == total)
        if done == total:
            del self._lines[name]

    def begin(self, name: str, run: str = "") -> None:
        """Show that a task starts.

        Args:
            name: What is shown of it.
            run: Identifies it in `event`.
        """
        self._lines[run] = _Line(name)
        self._print(name)

    def event(self, run: str, event: dict[str, Any]) -> None:
        """Show the stage or the numbers that a running task reports.

        Args:
            run: The task, as in `begin`.
            event: What it reports.
        """
        if (line := self._lines.get(run)) is None:
            return
        report = event.get("report", {})
        if "stage" in event:
            self._lines[run] = line = _Line(line.name, f"{line.name}: {event['stage']}")
            if event["stage"].startswith("waiting"):
                self._print(line.stage)
        elif report.get("steps"):
            self._tick(line, report["step"], report["steps"], _scalars(report))

    def finished(self, record: Record, *, cached: bool) -> None:
        """Show the result of a cell; `cached` if it had finished in an earlier run."""
        self._lines.pop(record.run_id, None)
        self._print(_outcome(record, self._ranking, cached=cached))

    def _tick(self, line: _Line, done: float, total: float, note: str = "", *, always: bool = False) -> None:
        now = time.monotonic()
        if not always and now - line.last < LINE_EVERY_S:
            return
        line.last = now
        left = (now - line.begun) * (total - done) / (done - line.before) if done > line.before else None
        remaining = f", {show_seconds(left)} left" if left else ""
        self._print(f"{line.stage} {done:g}/{total:g}{remaining}{'  ' + note if note else ''}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)
