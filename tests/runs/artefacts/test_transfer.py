"""Runs arrive completely or not at all."""

import io
import tarfile
from pathlib import Path

import pytest

from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import read_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.transfer import pack, place, unpack
from tests.boards.records import leave


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_arrives_as_it_left(tmp_path: Path) -> None:
    record = leave(tmp_path / "there", "any", [1.0, 2.0])
    folder = Results(tmp_path / "there").folder(record.cell)
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "weights").write_bytes(bytes(1000))
    here = Results(tmp_path / "here")
    assert place(record, pack(folder), here) == record
    assert content(here.folder(record.cell)) == content(folder)
    assert not list((tmp_path / "here" / "runs").glob(".*.new"))


def test_a_failure_does_not_replace_a_result(tmp_path: Path) -> None:
    record = leave(tmp_path, "any", [1.0, 2.0])
    before = content(Results(tmp_path).folder(record.cell))
    failed = record.model_copy(update={"status": "failed", "reason": "no luck"})
    assert place(failed, b"", Results(tmp_path)).reason == "no luck; the earlier result is kept"
    assert content(Results(tmp_path).folder(record.cell)) == before


def test_a_failure_without_a_result_is_recorded(tmp_path: Path) -> None:
    record = leave(tmp_path / "there", "any", [1.0])
    failed = record.model_copy(update={"status": "failed", "reason": "no luck", "scores": {}})
    place(failed, b"", Results(tmp_path / "here"))
    path = RunFiles(Results(tmp_path / "here").folder(record.cell)).record
    assert read_record(path).reason == "no luck"


@pytest.mark.parametrize("damaged", [b"no archive", "cut"])
def test_damaged_files_are_told(damaged: bytes | str, tmp_path: Path) -> None:
    record = leave(tmp_path / "there", "any", [1.0])
    packed = pack(Results(tmp_path / "there").folder(record.cell))
    found = place(record, damaged if isinstance(damaged, bytes) else packed[:700], Results(tmp_path / "here"))
    assert found.status == "failed"
    assert "its files could not be written here" in found.reason


def test_nothing_is_written_outside_of_the_folder(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../outside"), io.BytesIO())
    with pytest.raises(tarfile.TarError):
        unpack(stream.getvalue(), tmp_path / "run")
    assert not (tmp_path / "outside").exists()


def test_links_are_left_behind(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "file").touch()
    (tmp_path / "run" / "link").symlink_to("/etc/passwd")
    unpack(pack(tmp_path / "run"), tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {"file"}
    assert pack(tmp_path / "absent") == b""
