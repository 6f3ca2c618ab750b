"""Values of files are worked out once for each state, and a change anywhere in a file is noticed."""

import json
import os
import time
from pathlib import Path

import platformdirs
import pytest

from fwibench.errors import DataError
from fwibench.files import states as file_states
from fwibench.files.atomic import sha256
from fwibench.files.states import content_hashes, remembered, rotten, stamp

SIZE = 300_000
"""Longer than both ends of 64 KiB that were hashed once."""


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files that were just written count as old; their times advance in steps of some milliseconds."""
    monkeypatch.setattr(file_states, "FRESH", 0.02)
    time.sleep(0.05)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    path = tmp_path / "file"
    path.write_bytes(bytes(SIZE))
    return path


def flip(path: Path, place: int = SIZE // 2) -> None:
    with path.open("r+b") as stream:
        stream.seek(place)
        stream.write(b"x")


def counting(paths: list[Path]) -> tuple[list[str], list[str]]:
    """Hashes, and the files that were read for them."""
    read: list[str] = []
    found = remembered(paths, {"sha256": lambda path: read.append(path.name) or sha256(path)})
    return [one["sha256"] for one in found], read


def test_file_is_read_once_per_state(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = file.with_name("other")
    other.write_bytes(b"other")
    settle(monkeypatch)
    first, read = counting([file, other])
    assert read == ["file", "other"]
    assert counting([file, other]) == (first, [])
    os.utime(file)
    assert counting([file, other]) == (first, ["file"]), "its state is another one"


def test_change_in_the_middle_changes_the_stamp(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    before, times = stamp([file]), file.stat()
    flip(file)
    # size and mtime as they were, as rsync --times or a careless restore leaves them
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file.stat().st_mtime_ns == times.st_mtime_ns
    assert stamp([file])[0][:2] == before[0][:2]
    assert stamp([file]) != before


def test_values_of_fresh_files_are_not_cached(file: Path) -> None:
    """A second change within the resolution of a file's times would leave its state as it is."""
    assert counting([file])[1] == counting([file])[1] == ["file"]
    before = content_hashes([file])
    flip(file)
    assert content_hashes([file]) != before


def test_values_of_a_file_changed_while_read_are_not_cached(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    remembered([file], {"sha256": lambda path: (sha256(path), flip(path))[0]})
    assert counting([file])[1] == ["file"]


def test_files_of_equal_name_in_two_folders_are_distinguished(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file.parent / "b").mkdir()
    other = file.parent / "b" / file.name
    other.write_bytes(b"other")
    settle(monkeypatch)
    first = content_hashes([file, other])
    assert len(set(first)) == 2
    assert content_hashes([other, file]) == first[::-1]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"file": 1}', b'{"file": {"state": [], "values": 3}}', b"\xff"]
)
def test_damaged_cache_is_ignored(file: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    first = content_hashes([file])
    (table,) = (file.parent / "data" / "states").iterdir()
    assert json.loads(table.read_bytes())
    table.write_bytes(content)
    assert content_hashes([file]) == first


def test_read_only_data_folder_is_supported(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: file.parent / "cache")
    (file.parent / "data").write_text("a file, where a folder is needed")
    settle(monkeypatch)
    first, read = counting([file])
    assert counting([file]) == (first, [])
    (file.parent / "cache" / "states").rename(file.parent / "gone")
    (file.parent / "cache" / "states").write_text("")
    assert counting([file]) == (first, read), "nowhere to keep it"


def test_change_without_new_times_is_found_by_hashing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    content_hashes([file])
    assert list(rotten([file])) == []
    (table,) = (file.parent / "data" / "states").iterdir()
    table.write_text(table.read_text().replace(sha256(file), "0" * 64))
    assert [path for path, _ in rotten([file])] == [file]


def test_missing_files_are_named(file: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere cannot be read: No such file"):
        stamp([file, file.with_name("nowhere")])
