"""Files are whole or absent, and what keeps one from being written is told."""

import errno
from pathlib import Path

import pytest

from fwibench.errors import DataError, UnknownNameError
from fwibench.files import atomic_write, check_folder


def test_a_file_that_cannot_be_made_is_a_fault_of_its_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path, reason in (
        (Path("/proc/o.npy"), "No such file or directory"),
        (tmp_path / "file" / "o.npy", "there is a file where a folder is needed"),
        (tmp_path / "file" / "deeper" / "o.npy", "Not a directory"),
        (tmp_path / "folder", "Is a directory"),
    ):
        with pytest.raises(DataError) as error, atomic_write(path) as stream:
            stream.write(b"x")
        assert error.value.message == f"{path} cannot be written: {reason}"
        assert error.value.hint
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


def test_errors_of_the_block_pass_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "new" / "o.npy"
    with pytest.raises(OSError, match="none of ours") as error, atomic_write(path):
        raise OSError(errno.EIO, "none of ours")
    assert not isinstance(error.value, DataError)
    assert not list(path.parent.iterdir())


def test_a_folder_is_tried_without_being_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, tmp_path / "a" / "b", Path("a/b"), Path()):
        check_folder(folder)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    for folder in (Path("/proc"), tmp_path / "file", tmp_path / "file" / "a"):
        with pytest.raises(DataError, match="cannot be written"):
            check_folder(folder)


def test_of_many_names_the_nearest_are_told() -> None:
    hint = UnknownNameError.among("finished run", "zzz", [*(f"zz-{n:054d}" for n in range(3)), *"abcdefgh"]).hint
    assert hint.startswith("known are: zz-")
    assert hint.endswith(" and 3 more (fwibench status lists them)")
    assert hint.count(",") == 7
    assert UnknownNameError.among("split", "zzz", "ba").hint == "known are: a, b"
