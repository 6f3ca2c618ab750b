"""Locks between commands."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fwibench.errors import DataError
from fwibench.files import locks
from fwibench.files.atomic import atomic_write
from fwibench.files.locks import BusyError, locked
from tests.conftest import Command
from tests.runs.commands import COMMON


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_lock_falls_back_to_file_existence(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", none)
    monkeypatch.setattr(locks, "_warned", False)
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


@pytest.mark.slow
def test_commands_work_without_file_locks(fwibench: Command, tmp_path: Path, salt: object) -> None:
    (tmp_path / "patch").mkdir()
    (tmp_path / "patch" / "sitecustomize.py").write_text(WITHOUT_LOCKS)
    path = os.pathsep.join([str(tmp_path / "patch"), os.environ.get("PYTHONPATH", "")])
    for command in (("run", "--methods", "mean-map", *COMMON), ("rescore",), ("merge", "results", "-o", "out")):
        done = fwibench(*command, PYTHONPATH=path)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("has no file locks") == 1
    assert not list(tmp_path.glob("*/runs/.locks/*"))


def test_lock_is_released_when_process_is_killed(tmp_path: Path) -> None:
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


def test_folder_that_cannot_be_locked_raises_data_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"), locked(tmp_path / "file" / "a.lock"):
        pass


def test_atomic_write_does_not_follow_links(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / f".o.txt.{os.getpid()}.tmp").symlink_to(victim)
    (tmp_path / "o.txt").symlink_to(victim)
    with atomic_write(tmp_path / "o.txt") as stream:
        stream.write(b"new")
    assert victim.read_text() == "mine"
    assert (tmp_path / "o.txt").read_text() == "new"
    assert not (tmp_path / "o.txt").is_symlink()
