"""Runs of methods on datasets, and the leaderboards of their records."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from fwibench.api.catalogue import broken_warning, open_registry
from fwibench.api.evaluation import Evaluation
from fwibench.boards.board import Board, make_board
from fwibench.boards.columns import columns_of
from fwibench.boards.repetitions import select_records
from fwibench.boards.rows import Columns
from fwibench.errors import UsageError
from fwibench.files.atomic import check_folder
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.record import Record, read_record
from fwibench.runs.artefacts.results import Results, uncollected
from fwibench.runs.execution.engines.choice import open_engine
from fwibench.runs.execution.loggers import open_loggers
from fwibench.runs.execution.run import Listener, run_plan
from fwibench.runs.planning.experiment import make_request, read_experiment
from fwibench.runs.planning.grammar import Kind, read_selected
from fwibench.runs.planning.plan import PlannedCell, make_plan
from fwibench.runs.planning.request import Request, Selected
from fwibench.specs.dataset import Profile

if TYPE_CHECKING:
    import pandas as pd


class RunSettings(TypedDict, total=False):
    """Options of `run`; the command `fwibench run` has the same.

    Attributes:
        test_on: Datasets to whose test samples the fitted models are applied too, written as `datasets`.
        split: Split scheme; each dataset's first by default.
        seeds: Repetitions of each method that has a random seed.
        first_seed: Number of the first repetition.
        profile: Size of data and training: `smoke`, `quick` (default) or `paper`.
        test_samples: Number of test samples, spread evenly over the split; all by default.
        device: `auto` (default), `cpu`, `cuda` or `cuda:N`.
        settings: Options by method, for all its cells: `{"invlint": {"alpha": 10}}`.
        budget: Time that a training takes [s]; by default the options of each method set its length.
        time_limit: Time limit of a cell [s].
        memory_limit: Memory that a process of a cell may allocate [bytes].
        metrics: Metrics beyond the default ones.
        force: Whether finished cells are run again.
        max_cells: Largest number of cells that is planned.
        jobs: Number of cells that run side by side; None for as many as fit the machine.
        devices_per_cell: Number of devices that a cell trains on.
        cluster: Address of a Dask scheduler, the file that it wrote, or a TOML file; runs the cells on its workers.
        log: Destinations by name of the logger: `{"tensorboard": "runs"}`.
    """

    test_on: str | Sequence[str | Selected]
    split: str | None
    seeds: int
    first_seed: int
    profile: Profile
    test_samples: int | None
    device: str
    settings: dict[str, dict[str, Any]]
    budget: float | None
    time_limit: float | None
    memory_limit: int | None
    metrics: Sequence[str]
    force: bool
    max_cells: int
    jobs: int | None
    devices_per_cell: int
    cluster: str
    log: dict[str, str]


class Filters(TypedDict, total=False):
    """Options of `leaderboard`; the command `fwibench leaderboard` has the same.

    Attributes:
        dataset: Only on this dataset.
        split: Only with this split scheme.
        profile: Only with this profile.
        common: Whether methods are scored on the test samples that all of them have.
    """

    dataset: str
    split: str
    profile: str
    common: bool


@dataclass(frozen=True)
class RunOutcome:
    """Records of a run, in the order of its plan.

    A notebook shows it as its leaderboard.

    Attributes:
        records: One a cell, whatever happened to it.
        results: Results folder.
        exit_code: 0 all cells ok; 1 some are not; 3 nothing could run; 130 interrupted.
        wall_s: Duration [s].
        columns: Columns of the leaderboard.
    """

    records: list[Record] = field(repr=False)
    results: Path
    exit_code: int
    wall_s: float
    columns: Columns = field(repr=False)

    def board(self) -> Board:
        """Return the leaderboard of these records."""
        return rank(self.records, self.results, self.columns)

    def leaderboard(self) -> pd.DataFrame:
        """Return the leaderboard of these records, a row a method, with the stable columns."""
        from fwibench.boards.frame import to_frame

        return to_frame(self.board().rows)

    def _repr_html_(self) -> str:
        """Return the leaderboard, for notebooks."""
        return self.leaderboard().dropna(axis="columns", how="all").to_html(index=False)


def run(
    methods: str | Sequence[str | Selected] = (),
    datasets: str | Sequence[str | Selected] = (),
    results: str | Path | None = None,
    from_: str | Path | None = None,
    **settings: Unpack[RunSettings],
) -> RunOutcome:
    """Run methods on datasets; each cell in a process of its own, and finished cells are not run again.

    Args:
        methods: Names, options in brackets allowed: `["mean-map", "invlint[alpha=1|10]"]`.
        datasets: Names, options in brackets allowed.
        results: Results folder; by default `results`, or that of the experiment file.
        from_: Experiment file; the other arguments override what it holds.
        settings: See `RunSettings`.

    Returns:
        The records, and their leaderboard.

    Raises:
        UsageError: A name, an option or a value is wrong; nothing was run.
    """
    from fwibench.api.progress import make_listener

    registry = open_registry()
    changes: dict[str, Any] = {**settings, **({} if results is None else {"results": Path(results)})}
    if "metrics" in settings:
        changes["metrics"] = tuple(settings["metrics"])
    selections: list[tuple[str, Kind, str | Sequence[str | Selected]]] = [
        ("methods", "method", methods),
        ("datasets", "dataset", datasets),
        ("test_on", "dataset", settings.get("test_on", ())),
    ]
    changes |= {name: tuple(_selected(registry, kind, chosen)) for name, kind, chosen in selections if chosen}
    request = make_request(read_experiment(Path(from_), registry) if from_ else {}, changes, registry)
    check_folder(request.results / "runs")
    plan = make_plan(request, registry)
    broken = registry.broken
    with make_listener(ranking=columns_of(registry).ranking) as listener:
        outcome = run_request(plan, request, registry, listener)
    for plugin in registry.broken:
        if plugin not in broken:
            warnings.warn(broken_warning(plugin), stacklevel=2)
    return outcome


def run_request(plan: list[PlannedCell], request: Request, registry: Registry, listener: Listener) -> RunOutcome:
    """Run the cells of a plan.

    Args:
        plan: The plan of the request.
        request: What is to be run.
        registry: Where methods, datasets and metrics are looked up.
        listener: Is told how far the run is.
    """
    with open_loggers(request.log, registry), open_engine(plan, request, registry) as engine:
        done = run_plan(plan, request, registry, listener, engine)
    return RunOutcome(done.records, request.results, done.exit_code, done.wall_s, columns_of(registry))


def leaderboard(results: str | Path = "results", **filters: Unpack[Filters]) -> pd.DataFrame:
    """Return the leaderboard of a results folder, a row a method, with the stable columns.

    Args:
        results: Results folder; a record that cannot be read gives a warning.
        filters: See `Filters`.

    Raises:
        DataError: The folder cannot be read.
        UnknownNameError: No record has one of the names.
    """
    from fwibench.boards.frame import to_frame

    common = filters.pop("common", False)
    records, faults = Results(Path(results)).records(history=False)
    for fault in faults:
        warnings.warn(fault, stacklevel=2)
    chosen = select_records(records, **filters)  # type: ignore[misc]
    return to_frame(rank(chosen, Path(results), columns_of(open_registry()), common=common).rows)


def rank(
    records: Sequence[Record],
    results: Path,
    columns: Columns,
    *,
    metrics: Sequence[str] = (),
    common: bool = False,
) -> Board:
    """Rank the methods of some records of a results folder.

    Args:
        records: The records.
        results: The folder, which holds the scores of their samples.
        columns: Columns of all metrics.
        metrics: Metrics whose scores of samples are read besides the ranking one.
        common: Whether methods are scored on the test samples that all of them have.
    """
    with uncollected():
        return make_board(records, columns, Results(results).scores, metrics=metrics, common=common)


def load_run(run: str | Path, results: str | Path = "results") -> Evaluation:
    """Load a finished run.

    Args:
        run: Its folder, or its name in `results`, or a part of the name that fits no other run.
        results: Results folder.

    Raises:
        UnknownNameError: There is no such run.
        UsageError: It has no result, or several runs fit.
        RecordError: Its files are damaged.
    """
    folder = Path(run)
    if not RunFiles(folder).record.is_file():
        folder = Results(Path(results)).run(str(run))
    record = read_record(RunFiles(folder).record)
    if record.status != "ok":
        raise UsageError(f"{record.run_id} is {record.status} and has no result: {record.reason}", "choose another run")
    scores = Results(folder.parent.parent).scores(record)
    return Evaluation(record, scores, read_predictions(folder, scores.ids).maps, folder)


def _selected(registry: Registry, kind: Kind, given: str | Sequence[str | Selected]) -> list[Selected]:
    found: list[Selected] = []
    for one in [given] if isinstance(given, str) else given:
        found += read_selected(registry, kind, one) if isinstance(one, str) else [one]
    return found
