"""Reading the records of a results folder."""

import json
import shutil
from pathlib import Path

import pytest

from fwibench.errors import DataError, RecordError
from fwibench.files.locks import BusyError
from fwibench.runs.artefacts.cell import RESULT_FORMAT
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, read_record
from fwibench.runs.artefacts.replacement import beside
from fwibench.runs.artefacts.results import Results
from fwibench.runs.folders import merge as merging
from fwibench.runs.folders.merge import merge
from fwibench.runs.scoring import rescore as rescoring
from tests.boards.records import leave


def damage(root: Path, record: Record, **changes: object) -> Path:
    """Write other values into a stored record."""
    path = RunFiles(Results(root).folder(record.cell)).record
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"format": "x"}', b"[" * 100_000])
def test_damaged_record_is_skipped_and_reported(tmp_path: Path, content: bytes) -> None:
    bad, good = leave(tmp_path, "a", [1.0]), leave(tmp_path, "b", [1.0])
    path = RunFiles(Results(tmp_path).folder(bad.cell)).record
    path.write_bytes(content)
    records, faults = Results(tmp_path).records()
    assert [record.run_id for record in records] == [good.run_id]
    (line,) = faults
    assert line.startswith(f"{path} cannot be read as a record: ")
    assert "\n" not in line
    assert len(line) < 400


@pytest.mark.parametrize("changes", [{"format": RESULT_FORMAT + 1}, {"format": 99, "unknown": True}])
def test_newer_record_format_raises(tmp_path: Path, changes: dict[str, object]) -> None:
    path = damage(tmp_path, leave(tmp_path, "a", [1.0]), **changes)
    with pytest.raises(
        RecordError, match=f"has result format {changes['format']}, this fwibench reads {RESULT_FORMAT}"
    ) as error:
        read_record(path)
    assert error.value.hint == "upgrade fwibench"


@pytest.mark.parametrize("indent", [1, None, 4])
@pytest.mark.parametrize("history", [[], [{"epoch": 1.0, "train_loss": 0.5}, {"epoch": 2.0}]])
def test_history_can_be_left_unread(tmp_path: Path, history: list[dict[str, float]], indent: int | None) -> None:
    record = leave(tmp_path, "a", [1.0], history=history, notes=['a note with "history": [', "\n ]"])
    path = RunFiles(Results(tmp_path).folder(record.cell)).record
    path.write_text(json.dumps(json.loads(path.read_text()), indent=indent))
    found = read_record(path, history=False)
    assert found.model_copy(update={"history": history}) == record
    # only the indentation of `write_record` tells where the history ends
    assert found.history == ([] if indent == 1 else history)


def test_copied_run_is_counted_once(tmp_path: Path) -> None:
    record = leave(tmp_path, "a", [1.0])
    folder = Results(tmp_path).folder(record.cell)
    for name in ("0-copy", "z-copy"):
        shutil.copytree(folder, folder.with_name(name))
    records, faults = Results(tmp_path).records()
    assert len(records) == 1
    assert len(faults) == 2
    assert all(f"is left out: {RunFiles(folder).record} is of the same cell" in line for line in faults)


@pytest.mark.parametrize("name", ["../../escape", "a/b", "a\\b", "a\nb", "a\x1b[31m"])
def test_record_with_invalid_folder_name_is_skipped(tmp_path: Path, name: str) -> None:
    record = leave(tmp_path, "a", [1.0])
    cell = {**record.cell.model_dump(mode="json"), "dataset": name}
    damage(tmp_path, record, cell=cell)
    records, (line,) = Results(tmp_path).records()
    assert not records
    assert "its names make the run" in line
    assert "\x1b" not in line
    assert "\n" not in line
    with pytest.raises(DataError):
        merge([tmp_path], tmp_path / "out")
    assert not (tmp_path.parent.parent / "escape-random-quick").exists()


def test_leftovers_are_removed_unless_run_is_locked(tmp_path: Path) -> None:
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
    assert (results.folder(failed.cell) / "work").exists(), "checkpoints of an unfinished run are kept"
    assert not (results.folder(failed.cell) / "attempt").exists()
    hidden = {path.name for path in (tmp_path / "runs").glob(".*") if path.name != ".locks"}
    assert hidden == {beside(results.folder(held.cell), kind).name for kind in ("attempt", "new", "old", "partial")}


def test_other_commands_skip_locked_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: object) -> None:
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
