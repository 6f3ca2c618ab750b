"""Merging results folders."""

import json
import os
import shutil
from pathlib import Path

import pytest

from fwibench.errors import DataError, UsageError
from fwibench.files.atomic import atomic_write
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.replacement import find_irregular
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import read_scores
from fwibench.runs.folders.merge import merge
from tests.boards.records import leave
from tests.conftest import Command
from tests.runs.commands import COMMON, start, wait_for

pytestmark = pytest.mark.usefixtures("faulty_plugin")


def test_merge_keeps_newest_ok_record(tmp_path: Path) -> None:
    first, second, out = (tmp_path / name for name in ("first", "second", "out"))
    leave(first, "alone", [1.0])
    leave(second, "other", [1.0])
    leave(first, "newer", [1.0], started="2026-01-01")
    leave(second, "newer", [2.0], started="2026-01-02")
    leave(first, "failed-later", [3.0], started="2026-01-01")
    leave(second, "failed-later", None, started="2026-01-09")
    leave(first, "mended", None, started="2026-01-09")
    leave(second, "mended", [4.0], started="2026-01-01")
    done = merge([first, second], out)
    records = {record.cell.method: record for record in Results(out).records()[0]}
    assert {name: record.scores.get("mae") for name, record in records.items()} == {
        "alone": 1,
        "other": 1,
        "newer": 2,
        "failed-later": 3,
        "mended": 4,
    }
    assert (done.runs, done.copied, done.duplicates) == (5, 5, 3)
    assert sorted(line.split(";")[0].split(": ")[1] for line in done.differing) == [
        "mae is 1.0 and 2.0 and 1 more",
        "status is failed and ok",
        "status is ok and failed",
    ]
    for record in records.values():
        folder = Results(out).folder(record.cell)
        if record.status == "ok":
            assert read_scores(folder).pooled()["mae"] == record.scores["mae"]
    again = merge([first, second], out)
    assert (again.runs, again.copied) == (5, 0)
    kept = merge([first, second], tmp_path / "kept", "first")
    assert kept.runs == 5
    firsts = {record.cell.method: record.scores.get("mae") for record in Results(tmp_path / "kept").records()[0]}
    assert (firsts["newer"], firsts["mended"]) == (1, 4)
    with pytest.raises(UsageError, match="is in .*first and in .*second"):
        merge([first, second], tmp_path / "refused", "refuse")
    assert not (tmp_path / "refused").exists()


def test_merge_without_disk_space_keeps_existing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = leave(tmp_path / "C", "a", [1.0], started="2026-01-01")
    leave(tmp_path / "A", "a", [2.0], started="2026-01-02")

    def full(source: Path, target: Path, **options: object) -> None:
        Path(target).mkdir()
        raise shutil.Error([(str(source), str(target), "No space left on device")])

    monkeypatch.setattr("fwibench.runs.folders.merge.shutil.copytree", full)
    with pytest.raises(DataError, match="No space left on device"):
        merge([tmp_path / "A"], tmp_path / "C")
    records, faults = Results(tmp_path / "C").records()
    assert ([one.run_id for one in records], faults) == ([old.run_id], [])
    assert [path.name for path in (tmp_path / "C" / "runs").iterdir() if path.name != ".locks"] == [old.run_id]


def test_merge_replaces_complete_run_and_requires_records(tmp_path: Path) -> None:
    old = leave(tmp_path / "out", "a", None, started="2026-01-01")
    (Results(tmp_path / "out").folder(old.cell) / "stale.txt").write_text("x")
    new = leave(tmp_path / "in", "a", [1.0], started="2026-01-02")
    done = merge([tmp_path / "in"], tmp_path / "out")
    assert done.copied == 1
    folder = Results(tmp_path / "out").folder(new.cell)
    assert sorted(path.name for path in folder.iterdir()) == ["record.json", "scores.csv"]
    with pytest.raises(DataError, match="there are no records in"):
        merge([tmp_path / "nowhere"], tmp_path / "out")


@pytest.mark.slow
def test_merge_skips_cell_of_running_command(fwibench: Command, tmp_path: Path) -> None:
    arguments = ("run", "--methods", "x-slow", *COMMON, "--set", "x-slow.seconds=SECONDS")
    child = start(tmp_path, *[one.replace("SECONDS", "12") for one in arguments])
    wait_for("results/runs/*-x-slow-*/work/begun", tmp_path)
    (run,) = (path.name for path in (tmp_path / "results/runs").glob("salt-*"))
    other = tmp_path / "other" / "runs" / run
    other.mkdir(parents=True)
    record = json.loads((tmp_path / f"results/runs/.{run}.attempt/job.json").read_text())["record"]
    RunFiles(other).record.write_text(json.dumps({**record, "status": "ok", "scores": {"mae": 1.0}}))
    merged = fwibench("merge", "other", "-o", "results")
    assert merged.returncode == 1
    assert f"{run} is left out: another command works on it" in merged.stderr
    _, err = child.communicate(timeout=100)
    assert child.returncode == 0, err
    folder = tmp_path / "results" / "runs" / run
    assert {"predictions.npz", "scores.csv", "model", "record.json", "log.txt"} <= {
        path.name for path in folder.iterdir()
    }
    again = fwibench("merge", "other", "-o", "results")
    assert again.returncode == 0, again.stderr


@pytest.mark.slow
def test_merge_skips_runs_with_links_and_writers_do_not_follow_links(fwibench: Command, tmp_path: Path) -> None:
    record = leave(tmp_path / "hostile", "a", [1.0])
    good = leave(tmp_path / "hostile", "b", [1.0])
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    (Results(tmp_path / "hostile").folder(record.cell) / "log.txt").symlink_to(victim)
    merged = merge([tmp_path / "hostile"], tmp_path / "out")
    assert merged.left == [
        f"{record.run_id} in {(tmp_path / 'hostile').resolve()} is left out: log.txt is not a regular file or folder"
    ]
    assert [one.run_id for one in Results(tmp_path / "out").records()[0]] == [good.run_id]
    for name in ("fifo", "deep"):
        folder = tmp_path / name / "model"
        folder.mkdir(parents=True)
        os.mkfifo(folder / "x") if name == "fifo" else (folder / "x").symlink_to("/")
        assert find_irregular(tmp_path / name) == "model/x"

    # a run that was not copied by merge
    assert fwibench("run", "--methods", "x-raises", *COMMON).returncode == 1
    (folder,) = (tmp_path / "results" / "runs").glob("*-x-raises-*")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    for name in ("log.txt", "record.json"):
        (folder / name).unlink()
        (folder / name).symlink_to(victim)
    (folder / "work").symlink_to(outside)
    with atomic_write(folder / "x"):
        pass
    assert fwibench("run", "--methods", "x-raises", *COMMON).returncode == 1
    assert victim.read_text() == "mine"
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert not (folder / "log.txt").is_symlink()
    assert json.loads(RunFiles(folder).record.read_text())["status"] == "failed"
