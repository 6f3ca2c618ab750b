"""Cells on a Dask cluster leave the same records as on one machine."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fwibench.runs.artefacts.record import Record
from tests.conftest import Command
from tests.runs.commands import COMMON, rows, running, start, wait_for, worker_of

pytestmark = pytest.mark.usefixtures("faulty_plugin")
pytest.importorskip("distributed")


class Cluster:
    """A scheduler and workers, each with a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(self.file))
        wait_for("scheduler.json", folder)

    def add_worker(self, **environment: str) -> None:
        number = len(self.workers)
        own = self.folder / f"worker{number}"
        own.mkdir()
        arguments = ("--scheduler-file", str(self.file), "--nthreads", "1", "--no-nanny", "--no-dashboard")
        chosen = {"FWIBENCH_DATA": str(own / "data"), **environment}
        self.workers.append(self._start("worker", *arguments, "--local-directory", str(own / "scratch"), **chosen))

    def describe(self, **values: Any) -> Path:
        path = self.folder / "cluster.toml"
        lines = [
            f'scheduler_file = "{self.file}"',
            *(f"{name} = {json.dumps(value)}" for name, value in values.items()),
        ]
        path.write_text("\n".join(lines))
        return path

    def _start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                cwd=self.folder,
                env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = Cluster(folder)
    yield made
    made.stop()


def scores(folder: Path) -> dict[str, Any]:
    found = [json.loads(path.read_text()) for path in folder.glob("runs/*/record.json")]
    return {
        Record.model_validate(record).run_id: (record["status"], record["scores"], record["n_test"]) for record in found
    }


@pytest.mark.slow
def test_without_a_common_disk_scores_are_bitwise_equal(cluster: Cluster, fwibench: Command, tmp_path: Path) -> None:
    for _ in range(2):
        cluster.add_worker()
    methods = ("run", "--methods", "pixel-ridge,x-builds,x-raises", *COMMON, "--device", "cpu")
    methods += ("--test-on", "salt[snr=20]")
    description = cluster.describe(workers=2, common_disk=False)
    done = fwibench(*methods, "--cluster", description, "--results", "there", "--json")
    assert done.returncode == 1, done.stderr
    here = fwibench(*methods, "--results", "here")
    assert here.returncode == 1, here.stderr
    assert scores(tmp_path / "there") == scores(tmp_path / "here")
    assert [name for name in scores(tmp_path / "there") if name.startswith("salt-to-salt-random-smoke-pixel-ridge-")]
    one, two = (next((tmp_path / name).glob("runs/salt-random-*-pixel-ridge-*")) for name in ("there", "here"))
    assert (one / "predictions.npz").read_bytes() == (two / "predictions.npz").read_bytes()
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}
    assert not list(cluster.folder.glob("worker*/scratch/**/record.json")), "nothing stays on the workers"


@pytest.mark.slow
def test_killed_worker_costs_an_attempt(cluster: Cluster, tmp_path: Path) -> None:
    for _ in range(2):
        cluster.add_worker()
    options = ("--methods", "x-slow", "--set", "x-slow.seconds=8", "--cluster", str(cluster.describe(workers=2)))
    child = start(tmp_path, "run", *options, *COMMON, "--json")
    begun = wait_for("results/runs/*-x-slow-*/work/begun", tmp_path)
    begun.unlink()
    os.kill(worker_of("x-slow", [worker.pid for worker in cluster.workers]), signal.SIGKILL)
    out, err = child.communicate(timeout=240)
    assert child.returncode == 0, err
    assert rows(out)["x-slow"]["status"] == "ok"
    assert not running(str(tmp_path / "results"))


@pytest.mark.slow
def test_cell_whose_workers_die_is_failed(cluster: Cluster, tmp_path: Path) -> None:
    for _ in range(4):
        cluster.add_worker()
    options = ("--methods", "x-slow,x-constant", "--set", "x-slow.seconds=3600", "--cluster", str(cluster.describe()))
    child = start(tmp_path, "run", *options, *COMMON, "--json")
    killed: set[int] = set()
    deadline = time.monotonic() + 240
    while len(killed) < 3 and time.monotonic() < deadline:
        with contextlib.suppress(LookupError):
            worker = worker_of("x-slow", [one.pid for one in cluster.workers if one.pid not in killed])
            os.kill(worker, signal.SIGKILL)
            killed.add(worker)
        time.sleep(0.1)
    out, err = child.communicate(timeout=240)
    assert child.returncode == 1, err
    assert {name: row["status"] for name, row in rows(out).items()} == {"x-slow": "failed", "x-constant": "ok"}
    record = json.loads(next(tmp_path.glob("results/runs/*-x-slow-*/record.json")).read_text())
    assert "its worker died, 3 times" in record["reason"]


@pytest.mark.slow
def test_ctrl_c_ends_the_cells_on_the_workers(cluster: Cluster, tmp_path: Path) -> None:
    cluster.add_worker()
    options = ("--methods", "x-slow[seconds=3600|3601]", "--cluster", str(cluster.file))
    child = start(tmp_path, "run", *options, *COMMON, "--json")
    wait_for("results/runs/*-x-slow-*/work/begun", tmp_path)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert rows(out)["x-slow"]["status"] == "not-run"
    assert "[1/2]" in err
    assert "[2/2]" not in err, "the only worker has one cell, and the other waits for it"
    deadline = time.monotonic() + 30
    while running(str(tmp_path / "results")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not running(str(tmp_path / "results"))


def test_other_versions_on_a_worker_are_refused(cluster: Cluster, fwibench: Command, tmp_path: Path) -> None:
    metadata = tmp_path / "older" / "numpy-0.1.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.1\n")
    cluster.add_worker(PYTHONPATH=os.pathsep.join([str(tmp_path / "older"), *sys.path]))
    done = fwibench("run", "--methods", "x-constant", *COMMON, "--cluster", cluster.file)
    assert done.returncode == 2
    assert "the workers differ from this machine: numpy is 0.1 on tcp://" in done.stderr
    assert not list(tmp_path.glob("results/runs/*/record.json"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("workers = 2", "names no scheduler"),
        ("addresses = 'tcp://here:1'", "addresses: Extra inputs are not permitted"),
        ("workers =", "cannot be read as the description of a cluster"),
    ],
)
def test_invalid_description_gives_error(content: str | None, message: str, fwibench: Command, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "cluster.toml").write_text(content)
    done = fwibench("run", "--methods", "x-constant", *COMMON, "--cluster", "cluster.toml")
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_absent_scheduler_gives_error(fwibench: Command) -> None:
    done = fwibench("run", "--methods", "x-constant", *COMMON, "--cluster", "here:port")
    assert done.returncode in (1, 2)
    assert "no scheduler answers at here:port" in done.stderr
    assert "Traceback" not in done.stderr
