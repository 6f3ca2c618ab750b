"""Repetition of a run, and comparison with the original."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.methods.context import FIT_BATCHES, FIT_THREADS
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Costs, Record, read_record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import read_scores, write_scores
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.processes.variables import OPENBLAS_WAITING, OPENMP_WAITING
from fwibench.runs.reproduction.command import request_of
from fwibench.runs.reproduction.repeat import compare_runs, fresh_folder, plan_again, read_run, same_fit
from tests.boards.records import leave
from tests.conftest import Command
from tests.runs.finished import finish

TWO = "refine[base=mean-map,iterations=1]"


@pytest.fixture(scope="module")
def made(registry: Registry, salt: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results folder with a run of mean-map, and of a hybrid that builds on it."""
    root = tmp_path_factory.mktemp("made")
    finish(read_request(registry, TWO, "salt", profile="smoke", test_samples=2, results=root), registry)
    return root


@pytest.fixture
def results(made: Path, tmp_path: Path) -> Path:
    """Copy of the results folder `made`."""
    shutil.copytree(made, tmp_path / "results")
    return tmp_path / "results"


def alter(results: Path, name: str, **changes: Any) -> Record:
    folder = Results(results).run(name)
    record = read_record(RunFiles(folder).record)
    cell = record.cell.model_copy(update=changes.pop("cell", {}))
    record = record.model_copy(update={"cell": cell, **changes})
    write_record(record, RunFiles(folder).record)
    return record


def test_unchanged_run_is_reproduced(results: Path, fwibench: Command) -> None:
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    done = fwibench("reproduce", "smoke-mean-map", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["agrees"]
    assert found["predictions"] == "equal"
    assert [one["size"] for one in found["scores"]] == [0, 0]
    assert found["command"][-1] == f"results/reproduced/{found['run']}"
    assert {path: path.read_bytes() for path in before} == before, "the first run is unchanged"
    folder = Path(found["command"][-1])
    assert (results.parent / folder / "runs" / found["run"] / "record.json").is_file()
    assert fresh_folder(results, found["run"], None).name == f"{found['run']}-2"


@pytest.mark.slow
def test_altered_score_of_hybrid_disagrees(results: Path, fwibench: Command) -> None:
    record = read_record(RunFiles(Results(results).run("refine")).record)
    alter(results, "refine", scores={**record.scores, "mae": (record.scores["mae"] or 0) * 1.01})
    done = fwibench("reproduce", "refine", "-o", "again")
    assert done.returncode == 1, done.stderr
    assert "does not agree: 1 of 2 scores differ by more than 1e-06" in done.stdout
    assert "predictions are bitwise equal" in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("mae"))
    assert line.endswith("differs")
    assert "python" in done.stdout, "differences of the environment are reported"


def test_failed_run_that_now_succeeds_disagrees(results: Path, fwibench: Command) -> None:
    alter(results, "smoke-mean-map", status="failed", reason="fit failed", scores={})
    done = fwibench("reproduce", "smoke-mean-map", "-o", "again")
    assert done.returncode == 1, done.stderr
    assert "does not agree: the record is failed (fit failed), the second run is ok" in done.stdout


def test_failures_agree_if_error_kinds_are_equal(results: Path, registry: Registry) -> None:
    folder = Results(results).run("smoke-mean-map")
    (results / "second").mkdir()

    def compared(first: str, second: str, status: str = "failed") -> bool:
        for reason, where in ((first, folder), (second, results / "second")):
            record = read_record(RunFiles(folder).record).model_copy(
                update={"status": status, "reason": reason, "scores": {}}
            )
            write_record(record, RunFiles(where).record)
        return compare_runs(folder, results / "second", registry, 1e-6).agrees

    assert compared("ValueError: 3 rows", "ValueError: 4 rows")
    assert compared("loss is nan in epoch 3", "loss is nan in epoch 4", "diverged"), "the status is the kind of error"
    assert not compared("ValueError: 3 rows", "KeyError: 3 rows")
    assert not compared("the process was killed by SIGSEGV", "the process was killed by SIGKILL")


def test_failures_of_different_kinds_are_reported(results: Path, fwibench: Command, tmp_path: Path) -> None:
    alter(results, "smoke-mean-map", status="failed", reason="RuntimeError: other", scores={})
    (tmp_path / "data").write_text("a file, where a folder is needed")
    done = fwibench("reproduce", "smoke-mean-map", "-o", "again", FWIBENCH_DATA=str(tmp_path / "data"))
    assert done.returncode == 1, done.stderr
    assert "does not agree: both are failed, for different reasons; record: RuntimeError: other; " in done.stdout


def test_comparison_finds_differences(made: Path, results: Path, registry: Registry) -> None:
    first = Results(made).run("smoke-mean-map")
    second = results / "runs" / first.name
    record = read_record(RunFiles(second).record)

    def compared(tolerance: float = 1e-6, **changes: Any) -> Any:
        write_record(record.model_copy(update=changes), RunFiles(second).record)
        return compare_runs(first, second, registry, tolerance)

    assert compared().agrees
    mae = record.scores["mae"] or 0
    other = compared(scores={**record.scores, "mae": mae * 1.001, "data-misfit": 1.0})
    assert [one.what for one in other.changes] == ["mae"], "metrics that the first run lacks are not compared"
    assert compared(0.01, scores={**record.scores, "mae": mae * 1.001}).agrees
    assert not compared(scores={"mae": mae}).agrees, "a missing score is a difference"
    there = {"python": "2.7", "packages": {"torch": "1"}, "git": {"commit": "a"}, "gpu": None, "command": ["x"]}
    assert {one.what: one.second for one in compared(device="cuda", environment=there).environment} == {
        "device": "cuda",
        "python": "2.7",
        "torch": "1",
        "git commit": "a",
    }
    (second / "predictions.npz").unlink()
    assert compared().predictions == "not stored"
    ours = read_record(RunFiles(first).record)
    unknown = results / "runs" / "unknown"
    unknown.mkdir()
    write_record(ours.model_copy(update={"scores": {"unknown": 1.0}}), RunFiles(unknown).record)
    found = compare_runs(unknown, second, registry, 0.0)
    assert (found.left_out, found.agrees) == (("unknown",), False), "there are no scores to compare"


CHANGED = {
    "version": ({"method_version": "0.1"}, "mean-map was version 0.1, here it is 1"),
    "samples": ({"fingerprint": "0" * 64}, "salt has other samples here"),
    "an option": ({"options": {"gone": 1}}, "there is no option of mean-map named 'gone'"),
    "a method": ({"method": "gone"}, "there is no method named 'gone'"),
    "a dataset": ({"dataset": "gone"}, "there is no dataset named 'gone'"),
    "a seed it has not": ({"seed": 3}, "seed was 3, here it is 0"),
    "another plugin": ({"plugin": "other"}, "plugin was other, here it is none"),
    "hostile names": (
        {"method": "$(touch pwned)", "dataset": ";touch pwned"},
        "there is no method named '$(touch pwned)'",
    ),
}


@pytest.mark.parametrize(("cell", "line"), CHANGED.values(), ids=CHANGED)
def test_reproduction_reports_obstacles_of_installation(
    cell: dict[str, Any], line: str, results: Path, registry: Registry
) -> None:
    alter(results, "smoke-mean-map", cell=cell)
    record, base = read_run(Results(results).run("smoke-mean-map"))
    obstacles = plan_again(request_of(record, base, registry), record, base, registry)[1]
    assert any(line in one for one in obstacles), obstacles


def test_changed_cell_is_not_run(results: Path, fwibench: Command) -> None:
    alter(results, "smoke-mean-map", cell={"fingerprint": "0" * 64})
    done = fwibench("reproduce", "smoke-mean-map")
    assert done.returncode == 1
    assert "salt has other samples here" in done.stderr
    assert "this installation cannot reproduce the run exactly" in done.stderr
    printed = fwibench("reproduce", "smoke-mean-map", "--print")
    assert printed.returncode == 0
    assert printed.stdout.startswith("fwibench run --methods mean-map --dataset salt --split random --profile smoke ")
    assert "salt has other samples" in printed.stderr
    assert not (results / "reproduced").exists()


def test_invalid_arguments_give_usage_errors(results: Path, fwibench: Command) -> None:
    for arguments, message in (
        (["zzz"], "there is no run named 'zzz'"),
        (["refine", "-o", "results"], "results is not empty; nothing is overwritten"),
        (["refine", "--device", "gpu"], "--device is 'gpu'"),
    ):
        done = fwibench("reproduce", *arguments)
        assert done.returncode == 2
        assert message in done.stderr
    alter(results, "refine", status="timeout", reason="killed at its time limit of 3 s")
    assert "add --time-limit" in fwibench("reproduce", "refine").stderr


@pytest.fixture
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OPENMP_WAITING, *OPENBLAS_WAITING, FIT_BATCHES, FIT_THREADS, "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nothing_chosen")
def test_reproduction_uses_recorded_number_of_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(**changes: Any) -> Record:
        return leave(tmp_path, "any", [1.0], **changes)

    with same_fit(made(costs=Costs(fit_threads=1))):
        assert os.environ[FIT_THREADS] == "1"
    assert FIT_THREADS not in os.environ
    with same_fit(made(environment={"threads": 8})):
        assert os.environ[FIT_THREADS] == "8", "fits took all threads before their number was recorded"
    with same_fit(made(), made(costs=Costs(fit_threads=3))):
        assert os.environ[FIT_THREADS] == "3", "the number of the run it builds on"
    with same_fit(made()):
        assert FIT_THREADS not in os.environ
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with same_fit(made(costs=Costs(fit_threads=1))):
        assert FIT_THREADS not in os.environ, "the user's setting takes precedence"


def test_pooled_score_of_early_version_is_compared_as_its_metric_declares(results: Path, registry: Registry) -> None:
    folder = Results(results).run("smoke-mean-map")
    again = shutil.copytree(folder, results / "again")
    record, samples = read_record(RunFiles(folder).record), read_scores(folder)
    # the root of (1 + 49) / 2, and the mean
    for place, score in ((again, 5.0), (folder, 4.0)):
        write_scores(replace(samples, values={**samples.values, "rmse": np.array([1.0, 7.0])}), place)
        write_record(record.model_copy(update={"scores": {**record.scores, "rmse": score}}), RunFiles(place).record)
    assert compare_runs(folder, again, registry, 1e-6).agrees
    RunFiles(folder).scores.unlink()
    assert [change.what for change in compare_runs(folder, again, registry, 1e-6).changes] == ["rmse"]


@pytest.mark.usefixtures("nothing_chosen")
def test_reproduction_takes_the_batches_that_a_time_budget_chose(tmp_path: Path) -> None:
    def made(batches: int | None) -> Record:
        return leave(tmp_path, "any", [1.0], costs=Costs(fit_batches=batches))

    for record, base, expected in (
        (made(70), None, "70"),
        (made(None), made(70), "70"),
        (made(None), None, None),
        (made(70), made(80), None),
    ):
        with same_fit(*filter(None, (record, base))):
            assert os.environ.get(FIT_BATCHES) == expected
        assert FIT_BATCHES not in os.environ
