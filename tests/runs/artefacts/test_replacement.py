"""Atomic replacement of a cell's folder."""

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fwibench.runs.artefacts import replacement
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.replacement import beside, replace_folder
from fwibench.runs.artefacts.results import Results
from tests.boards.records import leave


def fill(folder: Path, text: str) -> Path:
    (folder / "model").mkdir(parents=True)
    RunFiles(folder).record.write_text(text)
    (folder / "model" / "weights").write_text(text)
    return folder


def test_folder_that_cannot_be_renamed_receives_new_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def layered(one: Path, other: Path) -> bool:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(replacement, "_exchange", layered)
    old, new = fill(tmp_path / "runs" / "run", "old"), fill(tmp_path / "runs" / ".run.new", "new")
    (old / "stale").touch()
    replace_folder(new, old)
    assert RunFiles(old).record.read_text() == (old / "model" / "weights").read_text() == "new"
    assert sorted(path.name for path in old.iterdir()) == ["model", "record.json"]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["run"]


@pytest.fixture(params=["exchange", "rename"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Replacement with an atomic exchange of names, and the fallback for systems without it."""
    if request.param == "rename":
        monkeypatch.setattr(replacement, "_exchange", lambda one, other: False)
    return request.param


def test_new_folder_replaces_old_one(tmp_path: Path, way: str) -> None:
    old, new = fill(tmp_path / "runs" / "run", "old"), fill(tmp_path / "runs" / ".run.new", "new")
    (old / "stale").touch()
    replace_folder(new, old)
    assert RunFiles(old).record.read_text() == (old / "model" / "weights").read_text() == "new"
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["run"]
    assert not (old / "stale").exists()


def test_old_or_new_result_is_complete_after_kill_at_any_system_call(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupt at each system call in turn, like a kill, and read the results folder."""
    record = leave(tmp_path, "a", [1.0])
    folder = Results(tmp_path).folder(record.cell)
    calls = 0
    while True:
        new = fill(
            beside(folder, "new"), RunFiles(folder).record.read_text().replace('"notes": []', '"notes": ["new"]')
        )
        assert '"new"' in RunFiles(new).record.read_text()
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
        RunFiles(folder).record.write_text(RunFiles(folder).record.read_text().replace('"new"', ""))
        calls += 1
    assert calls >= 3


def test_reader_never_finds_record_without_its_files(tmp_path: Path, way: str) -> None:
    if way == "rename":
        pytest.skip("between two renames a reader finds no run")
    record = leave(tmp_path, "a", [1.0])
    folder = Results(tmp_path).folder(record.cell)
    text, ending = RunFiles(folder).record.read_text(), threading.Event()

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
