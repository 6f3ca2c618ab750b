"""Atomic replacement of a cell's folder.

Invariant: at any moment, even after a kill, the old or the new folder is complete, and the next command finds it under
its name. Names that begin with a dot are work in progress, which readers ignore.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fwibench.files.atomic import writing
from fwibench.runs.artefacts.layout import RunFiles

AT_FDCWD = -100
RENAME_EXCHANGE = 2
WITHOUT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)
"""Errors of kernels and file systems that cannot exchange two names."""
KINDS = ("attempt", "new", "old", "partial")
"""`attempt`: where a cell's processes write. `new`: complete, about to be published. `old`: replaced, about to be
removed. `partial`: copy made by an earlier version of fwibench."""


def beside(folder: Path, kind: str) -> Path:
    """Return the hidden folder next to a cell's folder for work in progress; `kind` is one of `KINDS`."""
    return folder.with_name(f".{folder.name}.{kind}")


@contextmanager
def publishing(folder: Path) -> Iterator[Path]:
    """Assemble a complete folder next to `folder`, then replace that by it.

    Args:
        folder: Folder of a run, whose lock is held.

    Yields:
        The new, empty folder; when the block ends without an error, its files are synchronised and it gets its name.

    Raises:
        DataError: The file system does not allow it.
    """
    new = beside(folder, "new")
    remove(new)
    new.mkdir(parents=True)
    yield new
    sync_files(new.rglob("*"))
    replace_folder(new, folder)


def replace_folder(new: Path, folder: Path) -> None:
    """Rename the complete folder `new` to `folder`, and remove the previous `folder`.

    Raises:
        DataError: The file system does not permit it, or has no space.
    """
    with writing(folder):
        try:
            _replace(new, folder)
        except OSError as error:
            # overlay file systems, as in containers, cannot rename folders of a lower layer
            if error.errno != errno.EXDEV:
                raise
            _move_into(new, folder)
        _sync(folder.parent)


def _replace(new: Path, folder: Path) -> None:
    if not os.path.lexists(folder):
        os.rename(new, folder)
    elif _exchange(new, folder):
        remove(new)
    else:
        old = beside(folder, "old")
        remove(old)
        # a kill between these two lines leaves the earlier folder under the name that `repair` restores
        os.rename(folder, old)
        os.rename(new, folder)
        remove(old)


def _move_into(new: Path, folder: Path) -> None:
    """Replace the content of a folder that cannot be renamed; the record is removed first and moved last."""
    remove(RunFiles(folder).record)
    for path in folder.iterdir():
        remove(path)
    for path in sorted(new.iterdir(), key=lambda path: path == RunFiles(new).record):
        os.replace(path, folder / path.name)
    remove(new)


def repair(folder: Path) -> None:
    """Restore the name of the earlier folder if a kill left it under the `old` name; its lock must be held."""
    old = beside(folder, "old")
    if os.path.lexists(old) and not os.path.lexists(folder):
        with writing(folder):
            os.rename(old, folder)


def clean_up(folder: Path, *, finished: bool) -> None:
    """Remove leftovers of killed commands from a cell; its lock must be held.

    Args:
        folder: Folder of the cell.
        finished: Whether the cell has a result, so that its checkpoints are obsolete.
    """
    repair(folder)
    for kind in KINDS:
        remove(beside(folder, kind))
    # earlier versions wrote here
    remove(folder / "attempt")
    if folder.is_symlink() or not folder.is_dir():
        return
    if finished or RunFiles(folder).work.is_symlink():
        remove(RunFiles(folder).work)
    for path in folder.glob(".*.tmp"):
        remove(path)


def find_leftovers(runs: Path) -> set[str]:
    """Return the names of the cells' folders in `runs` that have leftovers of killed commands."""
    found = set()
    with suppress(OSError), os.scandir(runs) as entries:
        for entry in entries:
            name, _, kind = entry.name[1:].rpartition(".")
            if entry.name.startswith(".") and kind in KINDS and name:
                found.add(name)
            elif not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False) and _has_leftovers(entry.path):
                found.add(entry.name)
    return found


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, ignoring errors; links are not followed."""
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            # the record first, so that readers never find it without its files
            RunFiles(path).record.unlink(missing_ok=True)
            shutil.rmtree(path, ignore_errors=True)


def find_irregular(folder: Path) -> str:
    """Return the first link or special file in a folder, or the name of a linked folder; empty if there is none."""
    if folder.is_symlink():
        return folder.name
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(parent, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                return str(path.relative_to(folder))
    return ""


def sync_files(paths: Iterable[Path]) -> None:
    """Flush files to the disk before their folder gets its final name."""
    for path in paths:
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _has_leftovers(folder: str) -> bool:
    with suppress(OSError), os.scandir(folder) as entries:
        names, files = {entry.name for entry in entries}, RunFiles(Path(folder))
        return "attempt" in names or {files.work.name, files.record.name} <= names or any(map(_is_temporary, names))
    return False


def _is_temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names atomically; return False if the system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    if renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in WITHOUT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(one))


def _sync(folder: Path) -> None:
    """Flush a folder's new names to the disk where the system can, so that they survive a power failure."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
