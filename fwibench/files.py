"""Files that are either whole or absent.

Invariant: a reader never sees a half-written file under its final name, whenever the writer dies.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

DATA_VARIABLE = "FWIBENCH_DATA"
STAMPED = 2**16
"""Bytes of each end of a file that its stamp reads."""


def data_root() -> Path:
    """Folder of all datasets: `FWIBENCH_DATA`, or the user's cache folder."""
    import platformdirs

    return Path(os.environ.get(DATA_VARIABLE) or platformdirs.user_cache_path("fwibench") / "data")


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Opens a temporary neighbour of `path` that replaces it when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
