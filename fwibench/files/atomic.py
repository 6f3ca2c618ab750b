"""Files that are either whole or absent.

Invariant: a reader never sees a half-written file under its final name, whenever the writer dies.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO, Any, cast

from pydantic import ValidationError

from fwibench.errors import DataError, FwibenchError
from fwibench.text.readable import shorten

DATA_VARIABLE = "FWIBENCH_DATA"
LONGEST_REASON = 500
"""Characters of a library's message that are told."""
FULL = (errno.ENOSPC, errno.EDQUOT)


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


class _Stream(io.RawIOBase):
    """A file that remembers the error its disk raised, even if the writing code turns it into another error.

    It offers no file descriptor, so that numpy and Pillow write through it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.fault: OSError | None = None

    def write(self, data: Any) -> int:
        """Write bytes; see `io.RawIOBase.write`."""
        with self._noting():
            return self._file.write(data)

    def flush(self) -> None:
        """Write what is buffered."""
        if not self._file.closed:
            with self._noting():
                self._file.flush()

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Change the position."""
        with self._noting():
            return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def writable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.fault = error
            raise


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary neighbour of `path` that replaces it when the block ends without an error.

    Links are replaced, never followed.

    Raises:
        DataError: The file cannot be made or written, for instance because the disk is full. Other errors of the
            block pass as they are.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        file = temporary.open("xb")
    try:
        with _closing(file):
            stream = _Stream(file)
            try:
                yield cast("IO[bytes]", stream)
            except Exception as error:
                if stream.fault is None:
                    raise
                # torch and zipfile turn a full disk into errors of their own
                raise _cannot_write(path, stream.fault) from error
            with writing(path):
                stream.flush()
                os.fsync(file.fileno())
        with writing(path):
            os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def _closing(file: IO[bytes]) -> Iterator[None]:
    """Close a file at the end of the block; what is still buffered after a full disk must not raise again."""
    try:
        yield
    finally:
        with suppress(OSError):
            file.close()


def check_folder(folder: Path) -> None:
    """Raises `DataError` unless files can be made in `folder`, which need not exist; asked before long work."""
    with writing(folder):
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        # permissions alone do not tell of file systems that nobody can write to
        TemporaryFile(dir=there).close()


def is_full(error: BaseException) -> bool:
    """Return whether an error says that a disk or a quota is full."""
    return isinstance(error, OSError) and error.errno in FULL


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into a `DataError` that names `path` and, where it is full, its disk."""
    try:
        yield
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> DataError:
    if isinstance(error, FileExistsError):
        reason = "there is a file where a folder is needed"
    elif is_full(error):
        reason = f"{error.strerror}; its disk is mounted at {_mount(path)}"
        return DataError(f"{path} cannot be written: {reason}", "free some space, then run the command again")
    else:
        reason = error.strerror or str(error)
    return DataError(f"{path} cannot be written: {reason}", "choose another place for it")


def _mount(path: Path) -> Path:
    """Return the folder at which the disk of `path` is mounted."""
    place = path.absolute()
    while not os.path.ismount(place) and place != place.parent:
        place = place.parent
    return place


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
