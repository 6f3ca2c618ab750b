"""Locks between processes, on file systems with and without file locks.

Invariant: a lock ends with the process that held it; the file it leaves behind locks nobody out.
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
"""What file systems without file locks answer, such as some network mounts."""

_told = False


class BusyError(DataError):
    """Another process holds a lock."""


@contextmanager
def locked(path: Path, wait: float | None = None) -> Iterator[None]:
    """Hold the lock file `path` during the block.

    Where the file system has no locks, the existence of the file is the lock; this is said once.

    Args:
        path: The lock file; its folder is made.
        wait: Seconds to wait for another holder; None waits without limit.

    Raises:
        BusyError: Another process still holds the lock after `wait` seconds.
        DataError: The lock file cannot be made.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _acquire(path, -1 if wait is None else wait)
    try:
        yield
    finally:
        # the disk may be gone; the lock goes with the process then
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
                # some versions of filelock change over by themselves
                _tell(path)
        except (OSError, NotImplementedError) as error:
            if isinstance(error, Timeout) or getattr(error, "errno", errno.ENOSYS) not in MISSING:
                raise
            _tell(path)
            if not existed:
                # the empty file of this attempt would be taken for somebody's lock
                path.unlink(missing_ok=True)
            lock = SoftFileLock(path)
            lock.acquire(timeout=timeout)
    except Timeout as error:
        raise BusyError(f"{path} is held by another process", "wait until that one has ended") from error
    return lock


def _tell(path: Path) -> None:
    global _told
    if not _told:
        _told = True
        logging.getLogger("fwibench").warning(
            "warning: the file system of %s has no file locks; the existence of a file is used instead, "
            "which a killed process may leave behind",
            path.parent,
        )
