"""Files that are either whole or absent.

Invariant: a reader never sees a half-written file under its final name, whenever the writer dies.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from fwibench.errors import DataError

DATA_VARIABLE = "FWIBENCH_DATA"


def data_root() -> Path:
    """Folder of all datasets: `FWIBENCH_DATA`, or the user's cache folder."""
    import platformdirs

    return Path(os.environ.get(DATA_VARIABLE) or platformdirs.user_cache_path("fwibench") / "data")


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


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8, atomically."""
    with atomic_write(path) as stream:
        stream.write(text.encode())


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
