"""Locks between processes, on file systems with and without file locks.

Invariant: where the file system has file locks, a lock ends with its process, and a remaining lock file has no effect.
"""

from __future__ import annotations

import errno
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from fwibench.errors import DataError
from fwibench.files.atomic import writing

MISSING = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""Error numbers of file systems without file locks, such as some network mounts."""

_warned = False


class BusyError(DataError):
    """Another process holds a lock."""


@contextmanager
def locked(path: Path, wait: float | None = None) -> Iterator[None]:
    """Hold the lock file `path` during the block.

    On a file system without file locks the existence of the file is the lock; a warning is logged once per process.

    Args:
        path: The lock file; its folder is created.
        wait: Longest time to wait for another holder [s]; None: no limit.

    Raises:
        BusyError: Another process still holds the lock after `wait` seconds.
        DataError: The lock file cannot be created.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _acquire(path, -1 if wait is None else wait)
    try:
        yield
    finally:
        # if the disk is unmounted, the lock ends with the process
        with suppress(OSError):
            lock.release()


def _acquire(path: Path, timeout: float) -> BaseFileLock:
    lock: BaseFileLock = FileLock(path)
    existed = path.exists()
    try:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                lock.acquire(timeout=timeout)
            if isinstance(lock, SoftFileLock):
                # some versions of filelock fall back by themselves
                _warn(path)
        except (OSError, NotImplementedError) as error:
            if isinstance(error, Timeout) or getattr(error, "errno", errno.ENOSYS) not in MISSING:
                raise
            _warn(path)
            if not existed:
                # the empty file of this attempt would count as a lock
                path.unlink(missing_ok=True)
            lock = SoftFileLock(path)
            lock.acquire(timeout=timeout)
    except Timeout as error:
        raise BusyError(f"{path} is held by another process", "wait until that process has ended") from error
    return lock


def _warn(path: Path) -> None:
    global _warned
    if not _warned:
        _warned = True
        logging.getLogger("fwibench").warning(
            "warning: the file system of %s has no file locks; the existence of a file is used instead, "
            "which a killed process may leave behind",
            path.parent,
        )
