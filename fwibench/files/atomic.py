"""Atomic writes, and errors that name the file.

Invariant: a file with its final name is complete, whenever the writing process is killed.
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
"""Environment variable with the folder of all datasets."""
LONGEST_REASON = 500
"""Largest number of characters of a library's message that an error repeats."""
FULL = (errno.ENOSPC, errno.EDQUOT)
"""Error numbers of a full disk and a full quota."""


def data_root() -> Path:
    """Return the folder of all datasets.

    It is `FWIBENCH_DATA`, or else in the cache folder of the user; without a home directory it is in the folder of
    temporary files.

    Raises:
        DataError: There is no home directory, and the folder of temporary files belongs to another user.
    """
    import platformdirs

    if named := os.environ.get(DATA_VARIABLE):
        return Path(named)
    try:
        return platformdirs.user_cache_path("fwibench") / "data"
    except RuntimeError:
        # HOME is unset and the user is not in the password database, as in a container with a numeric user
        user = os.getuid() if hasattr(os, "getuid") else "user"
        folder = Path(gettempdir(), f"fwibench-{user}")
    with suppress(FileNotFoundError):
        if folder.lstat().st_uid != user:
            raise DataError(f"{folder} belongs to another user", f"set {DATA_VARIABLE} to a folder for the data")
    return folder / "data"


class _Stream(io.RawIOBase):
    """A file that stores the error of a failed write, also where the writing library raises another error.

    It has no file descriptor, so that numpy and Pillow write through it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.fault: OSError | None = None

    def write(self, data: Any) -> int:
        """Write bytes; see `io.RawIOBase.write`."""
        with self._noting():
            return self._file.write(data)

    def flush(self) -> None:
        """Write buffered bytes."""
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
    """Open a temporary file that replaces `path` when the block ends without an error.

    Links are replaced, never followed.

    Raises:
        DataError: The file cannot be created or written, such as on a full disk. Other errors of the block are not
            changed.
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
                # torch and zipfile raise their own errors on a full disk
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
    """Close a file at the end of the block; flushing buffered bytes to a full disk must not raise again."""
    try:
        yield
    finally:
        with suppress(OSError):
            file.close()


def check_folder(folder: Path) -> None:
    """Raise `DataError` unless files can be created in `folder`, which need not exist; called before long work."""
    with writing(folder):
        existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
        # permissions do not reveal read-only file systems
        TemporaryFile(dir=existing).close()


def is_full(error: BaseException) -> bool:
    """Return whether an error means that a disk or a quota is full."""
    return isinstance(error, OSError) and error.errno in FULL


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Convert an `OSError` of the block to a `DataError` that names `path` and the mount point of a full disk."""
    try:
        yield
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> DataError:
    if isinstance(error, FileExistsError):
        reason = "a file exists where a folder is needed"
    elif is_full(error):
        reason = f"{error.strerror}; its disk is mounted at {_mount(path)}"
        return DataError(f"{path} cannot be written: {reason}", "free some space, then run the command again")
    else:
        reason = error.strerror or str(error)
    return DataError(f"{path} cannot be written: {reason}", "choose another path")


def _mount(path: Path) -> Path:
    """Return the mount point of the disk of `path`."""
    folder = path.absolute()
    while not os.path.ismount(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


@contextmanager
def reading(path: Path, what: str, hint: str, error: type[FwibenchError] = DataError) -> Iterator[None]:
    """Convert an exception of the block to an error of one line that names the file.

    Args:
        path: The file that the block reads.
        what: Content of the file, such as "scores".
        hint: Hint of the error.
        error: Class of the error; errors of the suite are not converted.
    """
    try:
        yield
    except FwibenchError:
        raise
    except Exception as fault:
        # parsers may raise any exception on damaged files
        raise error(f"{path} cannot be read as {what}: {shorten(_reason(fault), LONGEST_REASON)}", hint) from fault


def _reason(fault: Exception) -> str:
    """Return one line: the first invalid value, the message of the operating system, or that of the library."""
    if isinstance(fault, ValidationError):
        first = fault.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"{f'{where}: ' if where else ''}{first['msg']}"
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    return " ".join(str(fault).split()) or type(fault).__name__


def write_text(path: Path, text: str) -> None:
    """Write a text atomically as UTF-8."""
    with atomic_write(path) as stream:
        stream.write(text.encode())


def sha256(path: Path) -> str:
    """Return the SHA-256 of the content of a file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
