"""Files are whole or absent, and what keeps one from being written is told."""

import errno
import io
import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import torch
from PIL import Image

from fwibench.errors import DataError, UnknownNameError
from fwibench.files.atomic import atomic_write, check_folder, write_text


def noise() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (512, 512), np.uint8)


def test_file_that_cannot_be_created_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path, reason in (
        (Path("/proc/o.npy"), "No such file or directory"),
        (tmp_path / "file" / "o.npy", "a file exists where a folder is needed"),
        (tmp_path / "file" / "deeper" / "o.npy", "Not a directory"),
        (tmp_path / "folder", "Is a directory"),
    ):
        with pytest.raises(DataError) as error, atomic_write(path) as stream:
            stream.write(b"x")
        assert error.value.message == f"{path} cannot be written: {reason}"
        assert error.value.hint
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


def test_other_errors_of_the_block_are_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "o.npy"
    with pytest.raises(OSError, match="none of ours") as error, atomic_write(path):
        raise OSError(errno.EIO, "none of ours")
    assert not isinstance(error.value, DataError)
    assert not list(path.parent.iterdir())


def test_check_folder_does_not_create_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, tmp_path / "a" / "b", Path("a/b"), Path()):
        check_folder(folder)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    for folder in (Path("/proc"), tmp_path / "file", tmp_path / "file" / "a"):
        with pytest.raises(DataError, match="cannot be written"):
            check_folder(folder)


def test_hint_lists_the_closest_of_many_names() -> None:
    hint = UnknownNameError.among("finished run", "zzz", [*(f"zz-{n:054d}" for n in range(3)), *"abcdefgh"]).hint
    assert hint.startswith("known are: zz-")
    assert hint.endswith(" and 3 more (fwibench status lists them)")
    assert hint.count(",") == 7
    assert UnknownNameError.among("split", "zzz", "ba").hint == "known are: a, b"


@pytest.fixture
def small_files() -> Iterator[None]:
    """Lets the system refuse to write files beyond 64 KiB."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize(
    "write",
    [
        lambda stream: stream.write(bytes(2**20)),
        lambda stream: np.save(stream, np.zeros(2**18)),
        lambda stream: np.savez(stream, a=np.zeros(2**18)),
        lambda stream: torch.save({"a": torch.zeros(2**18)}, stream),
        lambda stream: Image.fromarray(noise()).save(stream, "PNG"),
    ],
    ids=["bytes", "npy", "npz", "torch", "png"],
)
def test_failed_write_is_a_data_error_for_every_library(
    write: Callable[[IO[bytes]], object], tmp_path: Path, small_files: None
) -> None:
    path = tmp_path / "new"
    path.write_bytes(b"old")
    with pytest.raises(DataError, match="cannot be written: File too large"), atomic_write(path) as stream:
        write(stream)
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize(
    "write",
    [
        lambda stream: np.save(stream, noise()),
        lambda stream: np.savez(stream, a=noise()),
        lambda stream: torch.save(torch.from_numpy(noise()), stream),
        lambda stream: Image.fromarray(noise()).save(stream, "PNG"),
    ],
    ids=["npy", "npz", "torch", "png"],
)
def test_writers_write_the_same_bytes_as_to_a_plain_file(write: Callable[[IO[bytes]], object], tmp_path: Path) -> None:
    with atomic_write(tmp_path / "ours") as stream:
        write(stream)
    plain = io.BytesIO()
    write(plain)
    assert len((tmp_path / "ours").read_bytes()) == len(plain.getvalue())


def test_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="No space left on device; its disk is mounted at /") as error:
        write_text(tmp_path / "a", "x")
    assert error.value.hint == "free some space, then run the command again"
    assert not list(tmp_path.iterdir())
