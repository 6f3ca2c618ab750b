"""Replacing a cell's folder by a new one in a single step.

Invariant: at any moment, even after a kill, the old or the new folder is whole, and the next command finds it under its
name. Names that begin with a dot are work in progress, which readers leave out.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from fwibench.files.atomic import writing
from fwibench.runs.artefacts.layout import RunFiles

AT_FDCWD = -100
RENAME_EXCHANGE = 2
WITHOUT_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)
"""What kernels and file systems answer that cannot exchange two names."""
KINDS = ("attempt", "new", "old", "partial")
"""`attempt`: where a cell's processes write. `new`: complete, about to be published. `old`: replaced, about to be
removed. `partial`: what an earlier version copied."""


def beside(folder: Path, kind: str) -> Path:
    """Return the name of work in progress on a cell's folder; `kind` is one of `KINDS`."""
    return folder.with_name(f".{folder.name}.{kind}")


def replace_folder(new: Path, folder: Path) -> None:
    """Publish the complete folder `new` under the name `folder`, and remove what had that name.

    Raises:
        DataError: The disk does not allow it.
    """
    with writing(folder):
        try:
            _replace(new, folder)
        except OSError as error:
            # layered file systems, as of containers, cannot rename folders of a lower layer
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
        # a kill between these two lines leaves the earlier folder under the name that `repair` looks for
        os.rename(folder, old)
        os.rename(new, folder)
        remove(old)


def _move_into(new: Path, folder: Path) -> None:
    """Replace the content of a folder that cannot be renamed; the record goes first and comes last."""
    remove(RunFiles(folder).record)
    for path in folder.iterdir():
        remove(path)
    for path in sorted(new.iterdir(), key=lambda path: path == RunFiles(new).record):
        os.replace(path, folder / path.name)
    remove(new)


def repair(folder: Path) -> None:
    """Give the earlier folder its name back if a kill left it under another one; its lock must be held."""
    old = beside(folder, "old")
    if os.path.lexists(old) and not os.path.lexists(folder):
        with writing(folder):
            os.rename(old, folder)


def tidy(folder: Path, *, finished: bool) -> None:
    """Remove what killed commands left of a cell; its lock must be held.

    Args:
        folder: Of the cell.
        finished: Whether its result is there, so that checkpoints are of no use any more.
    """
    repair(folder)
    for kind in KINDS:
        remove(beside(folder, kind))
    # where earlier versions worked
    remove(folder / "attempt")
    if folder.is_symlink() or not folder.is_dir():
        return
    if finished or (RunFiles(folder).work).is_symlink():
        remove(RunFiles(folder).work)
    for path in folder.glob(".*.tmp"):
        remove(path)


def leftovers(runs: Path) -> set[str]:
    """Return the names of the cells' folders in `runs` that have something to be tidied."""
    found = set()
    with suppress(OSError), os.scandir(runs) as entries:
        for entry in entries:
            name, _, kind = entry.name[1:].rpartition(".")
            if entry.name.startswith(".") and kind in KINDS and name:
                found.add(name)
            elif not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False) and _untidy(entry.path):
                found.add(entry.name)
    return found


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, as far as that is possible; links are not followed."""
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            # first the record, so that nobody finds it without its files
            (RunFiles(path).record).unlink(missing_ok=True)
            shutil.rmtree(path, ignore_errors=True)


def irregular(folder: Path) -> str:
    """Return the first thing in a folder, itself included, that is neither a file nor a folder; empty if none is."""
    if folder.is_symlink():
        return folder.name
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(place, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                return str(path.relative_to(folder))
    return ""


def sync_files(paths: Iterable[Path]) -> None:
    """Make sure that files are on the disk before their folder gets its final name."""
    for path in paths:
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _untidy(folder: str) -> bool:
    with suppress(OSError), os.scandir(folder) as entries:
        names, files = {entry.name for entry in entries}, RunFiles(Path(folder))
        return "attempt" in names or {files.work.name, files.record.name} <= names or any(map(_temporary, names))
    return False


def _temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(".tmp")


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; return False where that is not possible."""
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
    """Make sure that a folder's new names survive a power failure, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
