"""The batch script of the guide runs on a SLURM cluster and leaves the records of a local run."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.slurm import OneNode, missing
from tests.conftest import Command
from tests.runs.commands import COMMON, processes, wait_for, worker_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("faulty_plugin"),
    pytest.mark.skipif(bool(missing()), reason=missing() or "nothing"),
]
SCRIPT = Path(__file__).parents[2] / "docs" / "guide" / "fwibench.sbatch"
METHODS = (
    "--methods",
    "mean-map,pixel-ridge,invlint,x-slow",
    "--set",
    "x-slow.seconds=20",
    "--set",
    "invlint.epochs=20",
)


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[OneNode]:
    node = OneNode(tmp_path / "slurm")
    yield node
    node.stop()


def records(folder: Path) -> dict[str, Any]:
    found = [json.loads(path.read_text()) for path in folder.glob("runs/*/record.json")]
    return {record["cell"]["method"]: (record["status"], record["scores"], record["n_test"]) for record in found}


def test_batch_script_leaves_the_records_of_a_local_run(slurm: OneNode, fwibench: Command, tmp_path: Path) -> None:
    programs = os.path.dirname(sys.executable)
    slurm.environment["PATH"] = os.pathsep.join([programs, slurm.environment["PATH"]])
    slurm.environment["OMP_NUM_THREADS"] = "1"
    submitted = slurm.run("sbatch", "--parsable", str(SCRIPT), *METHODS, *COMMON, "--results", "there", cwd=tmp_path)
    job = submitted.partition(";")[0]
    begun = wait_for("there/runs/*-x-slow-*/work/begun", tmp_path)
    begun.unlink()
    os.kill(worker_of("x-slow", processes("spawn_main")), signal.SIGKILL)
    wait_for("there/runs/*-x-slow-*/work/begun", tmp_path)
    deadline = time.monotonic() + 300
    while (state := slurm.state(job)) in ("PENDING", "RUNNING", "COMPLETING") and time.monotonic() < deadline:
        time.sleep(1)
    log = (tmp_path / f"fwibench-{job}.log").read_text()
    assert state == "COMPLETED", log
    here = fwibench("run", *METHODS, *COMMON, "--results", "here")
    assert here.returncode == 0, here.stderr
    assert records(tmp_path / "there") == records(tmp_path / "here")
    assert "x-slow on salt, seed 0" in log
