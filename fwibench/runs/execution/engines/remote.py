"""The part of a cluster's work that its workers do.

Invariant: a worker runs a cell by the same code as one machine does, with its own processes, lock and time limit. What
it needs comes with the order; what it made goes back with the answer.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributed import Worker, get_worker

from fwibench.errors import FwibenchError
from fwibench.plugins.isolation import describe
from fwibench.plugins.registry import Registry, load_registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.replacement import remove
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.transfer import pack, unpack
from fwibench.runs.execution.engines.local import LocalEngine
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.machine.shares import visible_gpus
from fwibench.runs.opening.datasets import ensure_samples, open_dataset, reopen_dataset
from fwibench.runs.processes.messages import EventHandler, Job, unsuccessful_record
from fwibench.specs.dataset import Profile

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset

REPORT_EVERY_S = 1.0
"""Time between two numbers of progress that a cell reports [s]."""
LOOK_EVERY_S = 1.0
"""Time between two looks at whether a cell was cancelled [s]."""


@dataclass(frozen=True)
class Run:
    """What all cells of one command have in common.

    Attributes:
        token: Identifies the command on the cluster; also the topic of its events.
        results: Results folder, if the workers see the same disk; else None.
        force: Whether finished cells are run again.
        variables: Environment variables that choose the plugins.
    """

    token: str
    results: Path | None
    force: bool
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Order:
    """A cell to run.

    Attributes:
        run: The command that it belongs to.
        job: The cell.
        checkpoints: Packed working folder of an earlier attempt; empty if there is none, or the disk is common.
    """

    run: Run
    job: Job
    checkpoints: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What a worker made of an order.

    Attributes:
        record: Record of the cell.
        files: Its packed folder; empty where the disk is common.
    """

    record: Record
    files: bytes


@dataclass
class _Desk:
    """What a worker keeps for the cells of one command."""

    engine: LocalEngine
    registry: Registry
    results: Results
    prepared: dict[str, list[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def prepare(self, dataset: Dataset, tell: EventHandler) -> None:
        """Make the missing samples of a dataset once, and keep what is doubtful about its files."""
        with self.lock:
            if dataset.fingerprint not in self.prepared:
                ensure_samples(dataset, lambda done, total: tell({"report": {"step": done, "steps": total}}))
                self.prepared[dataset.fingerprint] = dataset.doubts()

    def place(self, packed: Mapping[str, bytes]) -> None:
        """Unpack runs that a cell needs, each once: other cells may be reading their files.

        Args:
            packed: Packed runs by name.
        """
        with self.lock:
            for run, content in packed.items():
                if content and not (self.results.root / "runs" / run).exists():
                    unpack(content, self.results.root / "runs" / run)


class _Reports:
    """Sends events of a worker to the command, numbers once a second at most.

    Args:
        worker: The worker.
        topic: Topic of the command.
        about: What the events are about.
    """

    def __init__(self, worker: Worker, topic: str, about: dict[str, str]) -> None:
        self._worker, self._topic, self._about = worker, topic, about
        self._last = 0.0

    def __call__(self, event: dict[str, Any]) -> None:
        now = time.monotonic()
        if "report" in event:
            if now - self._last < REPORT_EVERY_S:
                return
            self._last = now
        self._worker.log_event(self._topic, {**self._about, "event": event})


_desks: dict[str, _Desk] = {}
_opening = threading.Lock()


def run_cell(order: Order, *needed: bytes) -> Answer:
    """Run a cell on this worker.

    Args:
        order: The cell.
        needed: Packed runs that it needs, in the order of `Cell.needed_runs`; empty where the disk is common.

    Returns:
        The record, whatever its status, and the files.
    """
    worker, cell = get_worker(), order.job.record.cell
    desk = _open_desk(order.run, worker)
    host = socket.gethostname()
    tell = _Reports(worker, order.run.token, {"run": cell.run_id, "host": host})
    folder = desk.results.folder(cell)
    try:
        tell({"stage": "prepare"})
        dataset = reopen_dataset(desk.registry, cell)
        desk.prepare(dataset, tell)
        if order.run.results is None:
            unpack(order.checkpoints, RunFiles(folder).work)
            desk.place(dict(zip(cell.needed_runs, needed, strict=False)))
        notes = [*order.job.record.notes, *desk.prepared[dataset.fingerprint]]
        job = order.job.model_copy(update={"record": order.job.record.model_copy(update={"notes": notes})})
        pending = desk.engine.submit(job, dataset, tell)
        with _ended_if_cancelled(worker, desk.engine):
            record = pending.result()
    except (FwibenchError, OSError) as error:
        reason = f"{error.message} ({error.hint})" if isinstance(error, FwibenchError) else describe(error)
        record = unsuccessful_record(order.job.record, reason)
    except KeyboardInterrupt as error:
        # as an exception that a worker may raise without ending
        raise RuntimeError(f"{cell.run_id} was cancelled") from error
    files = b""
    if order.run.results is None:
        files = pack(folder)
        remove(folder)
    return Answer(record, files)


def prepare_dataset(run: Run, name: str, profile: Profile, options: dict[str, Any]) -> None:
    """Make the missing samples of a dataset in the data folder of this worker; sharing a folder shares the work.

    Args:
        run: The command.
        name: Name of the dataset.
        profile: Size of the data.
        options: Options of the dataset.
    """
    worker = get_worker()
    desk = _open_desk(run, worker)
    dataset = open_dataset(desk.registry, name, profile, options)
    desk.prepare(dataset, _Reports(worker, run.token, {"dataset": name}))


def describe_worker(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of packages, methods, datasets and metrics of this process, by name.

    Args:
        variables: Environment variables that choose the plugins.
    """
    os.environ.update(variables)
    try:
        registry = load_registry()
    except FwibenchError as error:
        return {"plugins": error.message}
    return describe_versions(registry)


def describe_versions(registry: Registry) -> dict[str, str]:
    """Return the versions of packages, methods, datasets and metrics, by name.

    Args:
        registry: Methods, datasets and metrics.
    """
    environment = describe_environment()
    found = {"python": environment["python"].rpartition(".")[0]}
    found |= {name: str(version) for name, version in environment["packages"].items()}
    for kind in ("methods", "datasets", "metrics"):
        for name, offer in getattr(registry, kind).items():
            version = getattr(offer.spec, "version", "")
            found[f"{kind[:-1]} {name}"] = f"{version} of {offer.plugin.origin}".strip()
    return found


def sees(path: str, text: str) -> bool:
    """Return whether this process finds a text in a file: whether it shares the disk of the process that wrote it."""
    try:
        return Path(path).read_text() == text
    except OSError:
        return False


def leave(token: str, dask_worker: Worker) -> None:
    """Forget a command, and remove its files from a worker.

    Args:
        token: The command.
        dask_worker: The worker, given by the cluster.
    """
    with _opening:
        desk = _desks.pop(token, None)
    if desk is not None:
        desk.engine.close()
    shutil.rmtree(_own_folder(dask_worker, token), ignore_errors=True)


def _open_desk(run: Run, worker: Worker) -> _Desk:
    with _opening:
        if run.token not in _desks:
            os.environ.update(run.variables)
            root = run.results or _own_folder(worker, run.token)
            # a worker that has GPUs says so; its cells then have one each
            gpus = visible_gpus(os.environ) if "GPU" in worker.state.total_resources else []
            threads = worker.state.nthreads
            engine = LocalEngine(Results(root), threads, gpus, force=run.force)
            _desks[run.token] = _Desk(engine, load_registry(), Results(root))
        return _desks[run.token]


def _own_folder(worker: Worker, token: str) -> Path:
    return Path(worker.local_directory) / f"fwibench-{token}"


@contextmanager
def _ended_if_cancelled(worker: Worker, engine: LocalEngine) -> Iterator[None]:
    """End the cells of a command if the task of the block is cancelled, by the command or because it was lost."""
    key, done = worker.get_current_task(), threading.Event()

    def look() -> None:
        while not done.wait(LOOK_EVERY_S):
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled":
                engine.cancel()
                return

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
