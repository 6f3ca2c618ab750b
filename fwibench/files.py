"""Files that are either whole or absent.

Invariant: a reader never sees a half-written file under its final name, whenever the writer dies.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO

from pydantic import ValidationError

from fwibench.errors import DataError, FwibenchError
from fwibench.readable import shorten

DATA_VARIABLE = "FWIBENCH_DATA"
LONGEST_REASON = 500
"""Characters of a library's message that are told."""
STAMPED = 2**16
"""Bytes of each end of a file that its stamp reads."""


def data_root() -> Path:
    """Folder of all datasets: `FWIBENCH_DATA`, or the user's cache folder; without a home, one among temporary files.

    Raises:
        DataError: There is no home, and the folder among temporary files belongs to somebody else.
    """
    import platformdirs

    if named := os.environ.get(DATA_VARIABLE):
        return Path(named)
    try:
        return platformdirs.user_cache_path("fwibench") / "data"
    except RuntimeError:
        # HOME is unset and the user is not in the password database, as in a container with a number for a user
        user = os.getuid() if hasattr(os, "getuid") else "user"
        folder = Path(gettempdir(), f"fwibench-{user}")
    with suppress(FileNotFoundError):
        if folder.lstat().st_uid != user:
            raise DataError(f"{folder} belongs to somebody else", f"{DATA_VARIABLE} names a folder for the data")
    return folder / "data"


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Opens a temporary neighbour of `path` that replaces it when the block ends without an error.

    Raises:
        DataError: The file cannot be made. Errors of the block itself pass as they are.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = temporary.open("wb")
    try:
        with stream:
            yield stream
            with _writing(path):
                stream.flush()
                os.fsync(stream.fileno())
        with _writing(path):
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Raises `DataError` unless files can be made in `folder`, which need not exist; asked before long work."""
    with _writing(folder):
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        # permissions alone do not tell of file systems that nobody can write to
        TemporaryFile(dir=there).close()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = "there is a file where a folder is needed" if isinstance(error, FileExistsError) else error.strerror
        raise DataError(f"{path} cannot be written: {reason}", "choose another place for it") from error


@contextmanager
def reading(path: Path, what: str, hint: str, error: type[FwibenchError] = DataError) -> Iterator[None]:
    """Turns whatever is raised over a damaged or unreadable file into one line that names it.

    Args:
        path: The file.
        what: What it is read as, such as "scores".
        hint: What to do about it.
        error: Class of the error to raise; the suite's own errors pass as they are.
    """
    try:
        yield
    except FwibenchError:
        raise
    except Exception as fault:
        # parsers of formats raise anything over bytes that somebody else wrote
        raise error(f"{path} cannot be read as {what}: {shorten(_first(fault), LONGEST_REASON)}", hint) from fault


def _first(fault: Exception) -> str:
    """One line on what was raised: the first fault of a value, the system's words, or the library's."""
    if isinstance(fault, ValidationError):
        first = fault.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"{f'{where}: ' if where else ''}{first['msg']}"
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    return " ".join(str(fault).split()) or type(fault).__name__


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8, atomically."""
    with atomic_write(path) as stream:
        stream.write(text.encode())


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stamp(paths: Iterable[Path]) -> list[tuple[str, int, str]]:
    """Name, size and SHA-256 of the ends of each file: tells files apart without reading gigabytes."""
    found = []
    for path in paths:
        size = path.stat().st_size
        with path.open("rb") as stream:
            ends = stream.read(STAMPED)
            stream.seek(max(size - STAMPED, 0))
            ends += stream.read(STAMPED)
        found.append((path.name, size, hashlib.sha256(ends).hexdigest()))
    return found
