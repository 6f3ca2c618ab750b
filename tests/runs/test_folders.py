"""Reading, merging, comparing and rescoring folders of results."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.errors import DataError, RecordError, UsageError
from fwibench.runs.artefacts.cell import RESULT_FORMAT
from fwibench.runs.artefacts.differences import find_differences
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, read_record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import read_scores
from fwibench.runs.folders.merge import merge
from tests.boards.records import leave
from tests.conftest import Command


def damage(root: Path, record: Record, **changes: object) -> Path:
    """Writes other values into a stored record."""
    path = RunFiles(Results(root).folder(record.cell)).record
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"format": "x"}', b"[" * 100_000])
def test_a_damaged_record_is_left_out_with_a_line(tmp_path: Path, content: bytes) -> None:
    bad, good = leave(tmp_path, "a", [1.0]), leave(tmp_path, "b", [1.0])
    path = RunFiles(Results(tmp_path).folder(bad.cell)).record
    path.write_bytes(content)
    records, faults = Results(tmp_path).records()
    assert [record.run_id for record in records] == [good.run_id]
    (line,) = faults
    assert line.startswith(f"{path} cannot be read as a record: ")
    assert "\n" not in line
    assert len(line) < 400


@pytest.mark.parametrize("changes", [{"format": RESULT_FORMAT + 1}, {"format": 99, "telepathy": True}])
def test_a_record_of_the_future_says_so(tmp_path: Path, changes: dict[str, object]) -> None:
    path = damage(tmp_path, leave(tmp_path, "a", [1.0]), **changes)
    with pytest.raises(
        RecordError, match=f"has result format {changes['format']}, this fwibench reads {RESULT_FORMAT}"
    ) as error:
        read_record(path)
    assert error.value.hint == "upgrade fwibench"


def test_a_copy_of_a_run_is_counted_once(tmp_path: Path) -> None:
    record = leave(tmp_path, "a", [1.0])
    folder = Results(tmp_path).folder(record.cell)
    for name in ("0-copy", "z-copy"):
        shutil.copytree(folder, folder.with_name(name))
    records, faults = Results(tmp_path).records()
    assert len(records) == 1
    assert len(faults) == 2
    assert all(f"is left out: {RunFiles(folder).record} is of the same cell" in line for line in faults)


@pytest.mark.parametrize("name", ["../../escape", "a/b", "a\\b", "a\nb", "a\x1b[31m"])
def test_names_that_make_no_folder_are_left_out(tmp_path: Path, name: str) -> None:
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


def test_merge_takes_the_newest_ok_record(tmp_path: Path) -> None:
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
            assert read_scores(folder).means()["mae"] == record.scores["mae"]
    again = merge([first, second], out)
    assert (again.runs, again.copied) == (5, 0)
    kept = merge([first, second], tmp_path / "kept", "first")
    assert kept.runs == 5
    firsts = {record.cell.method: record.scores.get("mae") for record in Results(tmp_path / "kept").records()[0]}
    assert (firsts["newer"], firsts["mended"]) == (1, 4)
    with pytest.raises(UsageError, match="is in .*first and in .*second"):
        merge([first, second], tmp_path / "refused", "refuse")
    assert not (tmp_path / "refused").exists()


def test_a_merge_that_finds_no_room_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_merge_replaces_a_run_whole_and_needs_records(tmp_path: Path) -> None:
    old = leave(tmp_path / "out", "a", None, started="2026-01-01")
    (Results(tmp_path / "out").folder(old.cell) / "stale.txt").write_text("x")
    new = leave(tmp_path / "in", "a", [1.0], started="2026-01-02")
    done = merge([tmp_path / "in"], tmp_path / "out")
    assert done.copied == 1
    folder = Results(tmp_path / "out").folder(new.cell)
    assert sorted(path.name for path in folder.iterdir()) == ["record.json", "scores.csv"]
    with pytest.raises(DataError, match="there are no records in"):
        merge([tmp_path / "nowhere"], tmp_path / "out")


def test_differences_are_cells_status_and_scores(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for root, shift in ((first, 0.0), (second, 1e-9)):
        leave(root, "same", [1.0 + shift])
    leave(first, "a", [1.0])
    leave(second, "b", [1.0])
    leave(first, "changed", [2.0])
    leave(second, "changed", [3.0])
    leave(first, "broke", [2.0])
    leave(second, "broke", None)
    ours, theirs = (Results(root).records()[0] for root in (first, second))
    found = find_differences(ours, theirs)
    assert [len(found.only_first), len(found.only_second), found.same] == [1, 1, 1]
    status, mae, ssim = found.changes
    assert (status.what, status.first, status.second, status.size) == ("status", "ok", "failed", None)
    assert (mae.what, mae.size, mae.relative) == ("mae", 1, 0.5)
    assert ssim.size == pytest.approx(1 / 4 - 1 / 3)
    assert find_differences(ours, ours).equal
    assert find_differences(ours, theirs, tolerance=0).same == 0


METRIC = """
from fwibench import MetricSpec, hookimpl

def worst(prediction, truth, problem):
    return abs(prediction - truth).reshape(len(truth), -1).max(1)

@hookimpl
def fwibench_metrics():
    return [MetricSpec(name="worst", summary="s", target="late:worst", better="low", unit="property", default=False)]
"""


def test_a_metric_that_comes_later_scores_what_is_finished(
    fwibench: Command, tmp_path: Path, salt: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fwibench("run", "--methods", "mean-map", "--dataset", "salt", "--profile", "smoke", "--test-samples", 2)
    assert run.returncode == 0, run.stderr
    folder = Results(tmp_path / "results").run("mean-map")
    before = read_record(RunFiles(folder).record)
    table = read_scores(folder)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "late.py").write_text(METRIC)
    done = fwibench("--plugins-dir", "plugins", "rescore", "--metrics", "worst", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    after, scores = read_record(RunFiles(folder).record), read_scores(folder)
    with np.load(folder / "predictions.npz") as stored:
        test = salt.split("random", "test").spread(2)
        expected = np.abs(stored["prediction"] - test.properties[:]).max(axis=(1, 2, 3))
    assert scores.values["worst"] == pytest.approx(expected)
    assert row["before"] is None
    assert row["now"] == after.scores["worst"] == pytest.approx(expected.mean())
    assert {name: value for name, value in after.scores.items() if name != "worst"} == before.scores
    assert all((scores.values[name] == values).all() for name, values in table.values.items())

    whole, late = (folder / "scores.csv").read_text(), tmp_path / "plugins" / "late.py"
    late.write_text(METRIC.replace("return", "raise ValueError('not today')\n    return", 1))
    failed = fwibench("--plugins-dir", "plugins", "rescore", "--metrics", "worst,mae")
    assert failed.returncode == 1
    assert "metric worst has no score: ValueError: not today" in failed.stderr
    assert (folder / "scores.csv").read_text() == whole, "scores that were there stay"
    assert read_record(RunFiles(folder).record) == after
    late.write_text(METRIC)

    (folder / "scores.csv").write_text(whole[: whole.rindex("\n", 0, -1) + 1])
    assert fwibench("--plugins-dir", "plugins", "rescore", "--metrics", "mae").returncode == 0
    assert (folder / "scores.csv").read_text() == whole, "a table that was cut short is made again"

    (folder / "scores.csv").write_text("id,mae\nx")
    mended = fwibench("--plugins-dir", "plugins", "rescore", "mean-map", "--metrics", "mae")
    assert mended.returncode == 0, mended.stderr
    assert set(read_scores(folder).values) == {*table.values, "worst"}

    np.savez(folder / "predictions.npz", ids=np.array(["other"]), prediction=np.zeros((1, 1, 2, 2), np.float32))
    refused = fwibench("rescore")
    assert refused.returncode == 1
    assert "keeps its scores" in refused.stderr
    assert "run the cell again with --force" in refused.stderr
    assert read_record(RunFiles(folder).record).scores == after.scores
    write_record(after.model_copy(update={"status": "failed"}), RunFiles(folder).record)
    assert "there are no finished runs" in fwibench("rescore").stderr
