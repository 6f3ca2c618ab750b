import sys
from types import SimpleNamespace

import pytest

from fwibench.runs.machine import shares


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "available_cores", lambda: 8)
    monkeypatch.setattr(shares, "free_memory_mb", lambda: 10_000.0)


@pytest.mark.parametrize(("jobs", "threads"), [(2, "4"), (3, "2"), (8, "1"), (20, "1")])
def test_cores_are_shared_out(jobs: int, threads: str) -> None:
    found = shares.thread_variables(jobs, {})
    assert set(found) == set(shares.THREADS)
    assert set(found.values()) == {threads}


def test_one_cell_and_the_choice_of_the_user_are_left_alone() -> None:
    assert shares.thread_variables(1, {}) == {}
    assert "OMP_NUM_THREADS" not in shares.thread_variables(2, {"OMP_NUM_THREADS": "8"})
    assert shares.threads_alone({"OMP_NUM_THREADS": "3"}) == 3
    assert shares.threads_alone({}) == 8


@pytest.mark.parametrize(
    ("cells", "gpus", "needs", "jobs"),
    [
        (3, None, [100.0], 3),
        (100, None, [100.0], 8),
        (100, 2, [100.0], 2),
        (100, None, [100.0, 4000.0], 2),
        (100, None, [None], 6),
        (100, None, [20_000.0], 1),
        (0, None, [], 1),
    ],
)
def test_cells_fit_cores_gpus_and_memory(cells: int, gpus: int | None, needs: list[float | None], jobs: int) -> None:
    assert shares.jobs_that_fit(cells, gpus, needs) == jobs


def test_unknown_memory_limits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "free_memory_mb", lambda: None)
    assert shares.jobs_that_fit(100, None, [20_000.0]) == 8


@pytest.mark.parametrize(
    ("visible", "names"), [("", ["0", "1", "2"]), ("4,5,7", ["4", "5", "7"]), ("GPU-a,GPU-b,GPU-c", None)]
)
def test_gpus_have_the_names_that_the_user_gave(
    visible: str, names: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "has_gpu_driver", lambda: True)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(device_count=lambda: 3)))
    assert shares.visible_gpus({"CUDA_VISIBLE_DEVICES": visible}) == (names or visible.split(","))


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the free memory")
def test_free_memory_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    free = shares.free_memory_mb()
    assert free is not None
    assert 0 < free < 1e9
