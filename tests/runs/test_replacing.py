"""A cell's folder is replaced in one step, under its lock, and what kills left is repaired."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fwibench.errors import DataError
from fwibench.files import locks
from fwibench.files.atomic import atomic_write
from fwibench.files.locks import BusyError, locked
from fwibench.runs.artefacts import replacement
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.replacement import beside, find_irregular, replace_folder
from fwibench.runs.artefacts.results import Results
from fwibench.runs.folders import merge as merging
from fwibench.runs.folders.merge import merge
from fwibench.runs.scoring import rescore as rescoring
from tests.boards.records import leave
from tests.conftest import Command
from tests.runs.test_faults import COMMON, faulty, start, wait_for

__all__ = ["faulty"]


def fill(folder: Path, text: str) -> Path:
    (folder / "model").mkdir(parents=True)
    (RunFiles(folder).record).write_text(text)
    (folder / "model" / "weights").write_text(text)
    return folder


def test_a_folder_that_cannot_be_renamed_gets_the_new_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def layered(one: Path, other: Path) -> bool:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(replacement, "_exchange", layered)
    old, new = fill(tmp_path / "runs" / "run", "old"), fill(tmp_path / "runs" / ".run.new", "new")
    (old / "stale").touch()
    replace_folder(new, old)
    assert (RunFiles(old).record).read_text() == (old / "model" / "weights").read_text() == "new"
    assert sorted(path.name for path in old.iterdir()) == ["model", "record.json"]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["run"]


@pytest.fixture(params=["exchange", "rename"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to replace a folder: by exchanging two names, and where the system cannot do that."""
    if request.param == "rename":
        monkeypatch.setattr(replacement, "_exchange", lambda one, other: False)
    return request.param


def test_the_new_folder_takes_the_place_of_the_old_one(tmp_path: Path, way: str) -> None:
    old, new = fill(tmp_path / "runs" / "run", "old"), fill(tmp_path / "runs" / ".run.new", "new")
    (old / "stale").touch()
    replace_folder(new, old)
    assert (RunFiles(old).record).read_text() == (old / "model" / "weights").read_text() == "new"
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["run"]
    assert not (old / "stale").exists()


def test_killed_at_any_call_the_old_or_the_new_result_is_there(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stops at every call to the system in turn, as a kill would, and reads what a reader finds."""
    record = leave(tmp_path, "a", [1.0])
    folder = Results(tmp_path).folder(record.cell)
    calls = 0
    while True:
        new = fill(
            beside(folder, "new"), (RunFiles(folder).record).read_text().replace('"notes": []', '"notes": ["new"]')
        )
        assert '"new"' in (RunFiles(new).record).read_text()
        left = calls

        def step(original: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **options: object) -> object:
                nonlocal left
                if left == 0:
                    raise KeyboardInterrupt
                left -= 1
                return original(*arguments, **options)

            return call

        with monkeypatch.context() as patched:
            for name in ("rename", "unlink", "rmdir", "open"):
                patched.setattr(os, name, step(getattr(os, name)))
            if way == "exchange":
                patched.setattr(replacement, "_exchange", step(replacement._exchange))
            try:
                replace_folder(new, folder)
                done = True
            except KeyboardInterrupt:
                done = False
        found, faults = Results(tmp_path).records()
        assert [one.run_id for one in found] == [record.run_id], faults
        assert Results(tmp_path).finished(record.cell)
        Results(tmp_path).clean_up()
        assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [".locks", folder.name]
        if done:
            assert found[0].notes == ["new"]
            break
        (RunFiles(folder).record).write_text((RunFiles(folder).record).read_text().replace('"new"', ""))
        calls += 1
    assert calls >= 3


def test_leftovers_of_killed_commands_are_tidied_unless_someone_works_there(tmp_path: Path) -> None:
    done, failed, held = leave(tmp_path, "a", [1.0]), leave(tmp_path, "b", None), leave(tmp_path, "c", [1.0])
    results = Results(tmp_path)
    for record in (done, failed, held):
        folder = results.folder(record.cell)
        for name in ("attempt", "work"):
            (folder / name).mkdir()
        (folder / ".record.json.99.tmp").touch()
        for kind in ("attempt", "new", "old", "partial"):
            beside(folder, kind).mkdir()
    with results.locked(held.run_id):
        results.clean_up()
    assert {path.name for path in results.folder(done.cell).iterdir()} == {"record.json", "scores.csv"}
    assert (results.folder(failed.cell) / "work").exists(), "checkpoints of a run that is not finished stay"
    assert not (results.folder(failed.cell) / "attempt").exists()
    hidden = {path.name for path in (tmp_path / "runs").glob(".*") if path.name != ".locks"}
    assert hidden == {beside(results.folder(held.cell), kind).name for kind in ("attempt", "new", "old", "partial")}


def test_only_one_command_works_on_a_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: object) -> None:
    source = leave(tmp_path / "in", "a", [1.0], started="2026-02-01")
    target = leave(tmp_path / "out", "a", [2.0], started="2026-01-01")
    monkeypatch.setattr(merging, "WAIT_S", 0.1)
    monkeypatch.setattr(rescoring, "WAIT_S", 0.1)
    out = Results(tmp_path / "out")
    with out.locked(target.run_id):
        done = merge([tmp_path / "in"], tmp_path / "out")
        assert done.copied == 0
        assert done.left[0].startswith(f"{target.run_id} is left out: another command works on it")
        with pytest.raises(BusyError, match="another command works on"):
            rescoring.rescore(out.folder(target.cell), ["mae"], registry)
    assert out.finished(target.cell).scores["mae"] == 2
    assert merge([tmp_path / "in"], tmp_path / "out").copied == 1
    assert out.finished(source.cell).scores["mae"] == 1


@pytest.mark.slow
def test_merge_beside_a_working_run_leaves_its_cell_alone(fwibench: Command, tmp_path: Path) -> None:
    arguments = ("run", "--methods", "x-slow", *COMMON, "--set", "x-slow.seconds=SECONDS")
    child = start(tmp_path, *[one.replace("SECONDS", "12") for one in arguments])
    wait_for("results/runs/*-x-slow-*/work/begun", tmp_path)
    (run,) = (path.name for path in (tmp_path / "results/runs").glob("salt-*"))
    other = tmp_path / "other" / "runs" / run
    other.mkdir(parents=True)
    record = json.loads((tmp_path / f"results/runs/.{run}.attempt/job.json").read_text())["record"]
    (RunFiles(other).record).write_text(json.dumps({**record, "status": "ok", "scores": {"mae": 1.0}}))
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


def test_merge_leaves_out_runs_with_links_and_writers_do_not_follow_them(fwibench: Command, tmp_path: Path) -> None:
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

    # a run that came without merge
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
    assert json.loads((RunFiles(folder).record).read_text())["status"] == "failed"


def test_temporary_files_are_made_anew(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / f".o.txt.{os.getpid()}.tmp").symlink_to(victim)
    (tmp_path / "o.txt").symlink_to(victim)
    with atomic_write(tmp_path / "o.txt") as stream:
        stream.write(b"new")
    assert victim.read_text() == "mine"
    assert (tmp_path / "o.txt").read_text() == "new"
    assert not (tmp_path / "o.txt").is_symlink()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_file_locks_the_existence_of_a_file_is_the_lock(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", none)
    monkeypatch.setattr(locks, "_told", False)
    for _ in range(2):
        with locked(tmp_path / "a.lock", 1):
            assert (tmp_path / "a.lock").exists()
            with pytest.raises(BusyError), locked(tmp_path / "a.lock", 0.1):
                pass
    assert caplog.text.count("has no file locks") == 1


WITHOUT_LOCKS = """
import errno, fcntl, os

def flock(descriptor, operation):
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

fcntl.flock = flock
"""


def test_commands_work_where_there_are_no_file_locks(fwibench: Command, tmp_path: Path, salt: object) -> None:
    (tmp_path / "patch").mkdir()
    (tmp_path / "patch" / "sitecustomize.py").write_text(WITHOUT_LOCKS)
    path = os.pathsep.join([str(tmp_path / "patch"), os.environ.get("PYTHONPATH", "")])
    for command in (("run", "--methods", "mean-map", *COMMON), ("rescore",), ("merge", "results", "-o", "out")):
        done = fwibench(*command, PYTHONPATH=path)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("has no file locks") == 1
    assert not list(tmp_path.glob("*/runs/.locks/*"))


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = f"from fwibench.files.locks import *; c = locked(Path({str(tmp_path / 'a.lock')!r})); c.__enter__()"
    code += "; print('held', flush=True); import time; time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(BusyError), locked(tmp_path / "a.lock", 0.1):
        pass
    child.send_signal(signal.SIGKILL)
    child.communicate()
    with locked(tmp_path / "a.lock", 5):
        pass


def test_readers_never_see_a_record_without_its_files(tmp_path: Path, way: str) -> None:
    if way == "rename":
        pytest.skip("between two renames a reader finds no run, and repairs it only if no command works there")
    record = leave(tmp_path, "a", [1.0])
    folder = Results(tmp_path).folder(record.cell)
    text, ending = (RunFiles(folder).record).read_text(), threading.Event()

    def replace() -> None:
        while not ending.is_set():
            replace_folder(fill(beside(folder, "new"), text), folder)

    writer = threading.Thread(target=replace)
    replace_folder(fill(beside(folder, "new"), text), folder)
    writer.start()
    try:
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            assert Results(tmp_path).finished(record.cell)
            names = set(os.listdir(folder))
            assert "record.json" not in names or "model" in names
    finally:
        ending.set()
        writer.join()


def test_a_place_that_cannot_be_locked_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"), locked(tmp_path / "file" / "a.lock"):
        pass
