"""Cells as tasks of a Dask cluster.

Invariant: a cell leaves the same record as on one machine. A worker that dies costs the attempt, which the scheduler
repeats elsewhere; nothing of a run stays on the workers when the engine is closed.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future as Answered
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from distributed import CancelledError, Client, Future, KilledWorker, as_completed

from fwibench.plugins import settings
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.transfer import pack, place
from fwibench.runs.execution.engines import remote
from fwibench.runs.execution.engines.connection import check_versions, connect, is_common, read_cluster
from fwibench.runs.execution.engines.engine import Progress
from fwibench.runs.processes.messages import EventHandler, Job, unsuccessful_record

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset

RETRIES = 2
"""How often a cell is started again because its worker died."""
RECEIVE_EVERY_S = 0.05
"""Time between two looks for cells that were submitted after all others were done [s]."""
PLUGIN_VARIABLES = (
    settings.FOLDERS,
    settings.OWN_ONLY,
    settings.DISABLED,
    settings.OVERRIDES,
)
"""Environment variables that choose the plugins; the workers get those of the command."""


@dataclass(eq=False)
class RemoteCell:
    """A cell on the cluster.

    Attributes:
        engine: Its engine.
        job: The cell.
        answer: What its worker returns.
    """

    engine: ClusterEngine
    job: Job
    answer: Answered[remote.Answer] = field(default_factory=Answered)

    def result(self) -> Record:
        """Return the record of the cell, and publish its files.

        Raises:
            KeyboardInterrupt: It was cancelled.
        """
        return self.engine.collect(self)

    def add_done_callback(self, fn: Callable[[Any], Any], /) -> None:
        """Call a function with this object when the cell is done."""
        self.answer.add_done_callback(lambda _: fn(self))


@dataclass
class ClusterEngine:
    """Runs cells on the workers of a cluster.

    Attributes:
        client: Connection to the cluster.
        results: Results folder here.
        run: What the workers know of this command.
        resources: Resources that each cell takes.
        gpus: Whether workers declare GPUs.
        memory: Whether they declare memory.
        task: What a worker does with an order.
    """

    client: Client
    results: Results
    run: remote.Run
    resources: dict[str, float] = field(default_factory=dict)
    gpus: bool = False
    memory: bool = False
    task: Callable[..., remote.Answer] = remote.run_cell

    def __post_init__(self) -> None:
        # events come in the thread of the connection
        self._lock = threading.Lock()
        self._handlers: dict[str, EventHandler] = {}
        self._progress: dict[str, Progress] = {}
        self._packed: dict[str, Future[Any]] = {}
        self._beside: defaultdict[str, int] = defaultdict(int)
        self._hosts: defaultdict[str, set[str]] = defaultdict(set)
        self._cells: dict[Future[Any], RemoteCell] = {}
        self._unsent: defaultdict[frozenset[tuple[str, float]], list[RemoteCell]] = defaultdict(list)
        self._completed = as_completed(loop=self.client.loop)
        self._closed = threading.Event()
        self._receiver = threading.Thread(target=self._receive, daemon=True)
        self._receiver.start()
        self.client.subscribe_topic(self.run.token, self._hear)

    def needs_samples(self, dataset: Dataset) -> bool:
        """Return False: the workers make the samples, each in its data folder."""
        return False

    def prepare(self, dataset: Dataset, progress: Progress) -> list[str]:
        """Let the workers make the samples of a dataset; those that share a data folder share the work.

        Args:
            dataset: The dataset.
            progress: Called with the numbers of finished and of all samples of one of them.

        Returns:
            Nothing: the workers add what is doubtful to the records.
        """
        name, options = dataset.spec.name, dataset.options.model_dump(mode="json", exclude_defaults=True)
        self._progress[name] = progress
        prepare = partial(remote.prepare_dataset, self.run, name, dataset.profile, options)
        workers = self.client.scheduler_info(n_workers=-1)["workers"]
        made = [self.client.submit(prepare, workers=[worker], pure=False) for worker in workers]
        try:
            self.client.gather(made)
        except KeyboardInterrupt:
            self.client.cancel(made, force=True)
            raise
        finally:
            del self._progress[name]
        return []

    def has_room(self, job: Job | None = None) -> bool:
        """Return True: the scheduler keeps cells until a worker is free."""
        return True

    def submit(self, job: Job, dataset: Dataset, on_event: EventHandler) -> RemoteCell:
        """Start a cell.

        Args:
            job: The cell.
            dataset: Its dataset.
            on_event: Called with the events of its processes, from another thread.
        """
        cell = job.record.cell
        self._handlers[cell.run_id] = on_event
        resources = dict(self.resources)
        if job.gpu and self.gpus:
            resources["GPU"] = job.devices
        else:
            job = job.model_copy(update={"gpu": False})
        if job.memory_limit is not None and self.memory:
            resources["MEMORY"] = job.memory_limit
        submitted = RemoteCell(self, job)
        self._unsent[frozenset(resources.items())].append(submitted)
        return submitted

    def flush(self) -> None:
        """Send the submitted cells to the scheduler: together, since each message takes it some milliseconds."""
        for resources, cells in self._unsent.items():
            needed = zip_longest(*(one.job.record.cell.needed_runs for one in cells), fillvalue="")
            futures = self.client.map(
                self.task,
                [self._order(one.job) for one in cells],
                # futures are only resolved as arguments of their own
                *([self._needed(run) for run in runs] for runs in needed),
                key=[f"{one.job.record.run_id}-{self.run.token}" for one in cells],
                pure=False,
                resources=dict(resources),
            )
            self._cells.update(zip(futures, cells, strict=True))
            self._completed.update(futures)
        self._unsent.clear()

    def collect(self, cell: RemoteCell) -> Record:
        """Return the record of a cell that is done, and publish its files.

        Args:
            cell: The cell.

        Raises:
            KeyboardInterrupt: It was cancelled.
        """
        run = cell.job.record.run_id
        try:
            answer = cell.answer.result()
        except CancelledError as error:
            raise KeyboardInterrupt from error
        except KilledWorker:
            times = RETRIES + 1
            return self._failed(cell.job, f"its worker died, {times} times; see the logs of the workers")
        except Exception as error:
            return self._failed(cell.job, f"the cluster could not run it: {type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._handlers.pop(run, None)
                for running in self._hosts.values():
                    running.discard(run)
        record = self._with_company(answer.record)
        if self.run.results is None:
            return place(record, answer.files, self.results)
        if record != answer.record:
            with self.results.locked(run):
                write_record(record, RunFiles(self.results.folder(record.cell)).record)
        return record

    def cancel(self) -> None:
        """Cancel all cells; their workers end the processes."""
        sent = list(self._cells.values())
        # an interruption may come before cells are sent, or while they are
        for cell in (one for cells in self._unsent.values() for one in cells if one not in sent):
            cell.answer.set_exception(CancelledError("it was not sent"))
        self._unsent.clear()
        self.client.cancel(list(self._cells), force=True)

    def close(self) -> None:
        """Remove what the workers keep, and disconnect."""
        self._closed.set()
        self._receiver.join()
        self.client.unsubscribe_topic(self.run.token)
        self.client.run(remote.leave, self.run.token, on_error="ignore")
        self.client.close()

    def _receive(self) -> None:
        """Hand each answer to its cell, until the engine is closed; those that are done are fetched together."""
        while not self._closed.wait(RECEIVE_EVERY_S):
            for batch in self._completed.batches():
                cells = {future: self._cells.pop(future) for future in batch}
                finished = [future for future in batch if future.status == "finished"]
                for future in cells.keys() - finished:
                    cells[future].answer.set_exception(future.exception() or CancelledError(future.key))
                try:
                    found = self.client.gather(finished)
                except Exception as error:
                    for future in finished:
                        cells[future].answer.set_exception(error)
                    continue
                for future, answer in zip(finished, found, strict=True):
                    cells[future].answer.set_result(answer)

    def _order(self, job: Job) -> remote.Order:
        folder = self.results.folder(job.record.cell)
        return remote.Order(self.run, job, b"" if self.run.results else pack(RunFiles(folder).work))

    def _needed(self, run: str) -> Future[Any] | bytes:
        """Return a packed run that cells need, which is sent once."""
        if not run or self.run.results is not None:
            return b""
        if run not in self._packed:
            self._packed[run] = self.client.scatter(pack(self.results.root / "runs" / run), hash=False)
        return self._packed[run]

    def _hear(self, timed: tuple[float, dict[str, Any]]) -> None:
        """Pass an event of a worker on to its cell."""
        _, told = timed
        if progress := self._progress.get(told.get("dataset", "")):
            report = told["event"]["report"]
            progress(report["step"], report["steps"])
        run = told.get("run", "")
        with self._lock:
            if (handler := self._handlers.get(run)) is None:
                return
            here = self._hosts[told["host"]]
            here.add(run)
            for one in here:
                self._beside[one] = max(self._beside[one], len(here) - 1)
        handler(told["event"])

    def _with_company(self, record: Record) -> Record:
        """Return the record with the number of cells beside it, those of other workers of its machine included."""
        with self._lock:
            others = self._beside.pop(record.run_id, 0)
        if record.beside is None or others <= record.beside:
            return record
        load = record.load and record.load.model_copy(update={"clock": None})
        return record.model_copy(update={"beside": others, "load": load})

    def _failed(self, job: Job, reason: str) -> Record:
        return place(unsuccessful_record(job.record, reason), b"", self.results)


def open_cluster(
    text: str, results: Results, registry: Registry, needed: Iterable[str], *, force: bool
) -> ClusterEngine:
    """Connect to a cluster whose workers have the same versions as this process.

    Args:
        text: Value of `--cluster`.
        results: Results folder.
        registry: Methods, datasets and metrics of this process.
        needed: Names of what the cells need, as in `remote.describe_versions`.
        force: Whether finished cells are run again.

    Raises:
        UsageError: A worker has other versions.
        FwibenchError: The cluster cannot be reached.
    """
    cluster = read_cluster(text)
    client = connect(cluster)
    try:
        variables = {name: os.environ.get(name, "") for name in PLUGIN_VARIABLES}
        check_versions(client, variables, registry, needed)
        client.run_on_scheduler(_set_retries, RETRIES)
        token = secrets.token_hex(4)
        common = is_common(client, results.root, token) if cluster.common_disk is None else cluster.common_disk
        shared = results.root.absolute() if common else None
        declared = {
            name for info in client.scheduler_info(n_workers=-1)["workers"].values() for name in info["resources"]
        }
        run = remote.Run(token, shared, force, variables)
        return ClusterEngine(client, results, run, dict(cluster.resources), "GPU" in declared, "MEMORY" in declared)
    except BaseException:
        client.close()
        raise


def _set_retries(retries: int, dask_scheduler: Any) -> None:
    dask_scheduler.allowed_failures = retries
