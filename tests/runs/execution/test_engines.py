"""What the engine of one machine shares out among cells."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.company import Seat
from fwibench.runs.execution.engines import local
from fwibench.runs.execution.engines.local import LocalEngine
from fwibench.runs.processes.messages import Job
from tests.boards.records import leave


class Cells:
    """Stands for `execute`: cells run until they may end."""

    def __init__(self) -> None:
        self.seats: list[Seat] = []
        self.jobs: list[Job] = []
        self.may_end = threading.Event()
        self.begun = threading.Semaphore(0)

    def __call__(self, job: Job, results: Any, dataset: Any, seat: Seat, *, force: bool) -> Record:
        self.seats.append(seat)
        self.jobs.append(job)
        self.begun.release()
        assert self.may_end.wait(60)
        return job.record


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Cells:
    made = Cells()
    monkeypatch.setattr(local, "execute", made)
    return made


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    record = leave(tmp_path, "any", [1.0])
    return lambda **values: Job(record=record, metrics=[], limit=None, **{"device": "auto", **values})


def test_each_cell_has_gpus_of_its_own(cells: Cells, job: Callable[..., Job], tmp_path: Path) -> None:
    engine = LocalEngine(Results(tmp_path), jobs=3, gpus=["4", "7"])
    on_gpu, on_cpu = job(device="cuda", gpu=True), job(device="cpu")
    running = []
    for _ in range(2):
        assert engine.has_room(on_gpu)
        running.append(engine.submit(on_gpu, None, print))  # type: ignore[arg-type]
    assert not engine.has_room(on_gpu), "both GPUs are taken"
    assert not engine.has_room(job(device="cuda", gpu=True, devices=2))
    assert engine.has_room(on_cpu), "there is a place without a GPU"
    running.append(engine.submit(on_cpu, None, print))  # type: ignore[arg-type]
    assert not engine.has_room()
    for _ in running:
        assert cells.begun.acquire(timeout=60)
    assert sorted(seat.variables.get("CUDA_VISIBLE_DEVICES", "") for seat in cells.seats) == ["", "4", "7"]
    cells.may_end.set()
    for one in running:
        one.result(60)
    assert engine.has_room(job(device="cuda", gpu=True, devices=2)), "all GPUs are free again"
    engine.close()


def test_a_numbered_gpu_has_no_number_for_the_cell_that_sees_it_alone(
    cells: Cells, job: Callable[..., Job], tmp_path: Path
) -> None:
    cells.may_end.set()
    engine = LocalEngine(Results(tmp_path), jobs=2, gpus=["1"])
    engine.submit(job(device="cuda:1", gpu=True), None, print).result(60)  # type: ignore[arg-type]
    engine.close()
    assert [one.device for one in cells.jobs] == ["cuda"]
    assert [one.variables["CUDA_VISIBLE_DEVICES"] for one in cells.seats] == ["1"]


def test_cancelled_engine_starts_no_cell(cells: Cells, job: Callable[..., Job], tmp_path: Path) -> None:
    engine = LocalEngine(Results(tmp_path))
    engine.cancel()
    with pytest.raises(KeyboardInterrupt):
        engine.submit(job(), None, print).result(60)  # type: ignore[arg-type]
    engine.close()
    assert not cells.seats
