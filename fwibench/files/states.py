"""A cache of values that depend on the content of a file, such as its hash.

Hashing or reading gigabytes in every command would take minutes, and reading a part of a file misses changes of the
rest. A value is therefore stored in the data folder together with the state of the file, and computed again when the
state differs. The state includes the time of the last change of status (ctime), because programs can set back the time
of the last change of content (mtime), but not ctime.

Invariant: a value is stored only for a file that is older than the resolution of its times and did not change while it
was read. Losing the cache costs time only.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fwibench.errors import DataError
from fwibench.files.atomic import atomic_write, data_root, sha256

Measure = Callable[[Path], Any]
"""Computes a value that JSON can hold from the content of a file."""
Progress = Callable[[int, int], None]
"""Called with the number of files read and of files to read."""
Table = dict[str, dict[str, Any]]
"""State and values of the files of a folder, by the name of the file."""

FRESH = 2.0
"""Resolution of file times [s]: 2 s on FAT. A second change within it may not change the times."""
SAVE_EVERY = 10.0
"""Time of work after which values are stored [s], so that an interruption does not lose all of them."""


class State(NamedTuple):
    """Metadata of a file; every change of its content changes one of them.

    Attributes:
        size: Size [bytes].
        modified: Time of the last change of content [ns].
        changed: Time of the last change of content or status [ns]; on Windows that of the creation.
        inode: Number of the file in its file system.
    """

    size: int
    modified: int
    changed: int
    inode: int

    @property
    def settled(self) -> bool:
        """Whether a change from now on would change the times."""
        now = time.time_ns()
        return all(abs(now - moment) > FRESH * 1e9 for moment in (self.modified, self.changed))


def state_of(path: Path) -> State:
    """Return the state of a file; follows links.

    Raises:
        DataError: The file does not exist or is not accessible.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", "check the path and its permissions") from error
    return State(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def remembered(
    paths: Iterable[Path],
    measures: Mapping[str, Measure],
    progress: Progress = lambda done, total: None,
) -> list[dict[str, Any]]:
    """Return values of files: cached ones where the state of a file is unchanged, else computed ones.

    Args:
        paths: The files.
        measures: Functions that compute the values, by name; a value must depend on the content of the file alone.
        progress: Called while files are read.

    Returns:
        The values of each file by name.

    Raises:
        DataError: A file cannot be read.
    """
    paths = [path.absolute() for path in paths]
    known = {folder: _load(folder) for folder in {path.parent for path in paths}}
    states = [state_of(path) for path in paths]
    # before reading, so that a change during the reading changes the state
    settled = [state.settled for state in states]
    found = [_recall(known[path.parent], path, state) for path, state in zip(paths, states, strict=True)]
    lacking = [i for i, values in enumerate(found) if not measures.keys() <= values.keys()]
    saved, fresh = time.monotonic(), dict[Path, Table]()
    try:
        for done, i in enumerate(lacking, 1):
            path, state = paths[i], states[i]
            found[i] |= _measure(path, {name: one for name, one in measures.items() if name not in found[i]})
            if settled[i] and state_of(path) == state:
                fresh.setdefault(path.parent, {})[path.name] = {"state": state, "values": found[i]}
            progress(done, len(lacking))
            if time.monotonic() - saved > SAVE_EVERY:
                _save(fresh)
                saved, fresh = time.monotonic(), {}
    finally:
        _save(fresh)
    return [{name: values[name] for name in measures} for values in found]


def rotten(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Hash files completely, and yield those whose content changed while their state did not, with a message."""
    for path in (path.absolute() for path in paths):
        was = _recall(_load(path.parent), path, state_of(path)).get("sha256")
        if was is not None and was != _measure(path, {"sha256": sha256})["sha256"]:
            yield path, "the content changed, though size and times did not"


def content_hashes(paths: Iterable[Path], progress: Progress = lambda done, total: None) -> list[str]:
    """Return the SHA-256 of each file's whole content; see `remembered`."""
    return [values["sha256"] for values in remembered(paths, {"sha256": sha256}, progress)]


def stamp(paths: Iterable[Path]) -> list[tuple[str, int, str]]:
    """Return name, size and SHA-256 of each file, which do not depend on its folder."""
    paths = list(paths)
    hashes = content_hashes(paths)
    return [(path.name, state_of(path).size, one) for path, one in zip(paths, hashes, strict=True)]


def _measure(path: Path, measures: Mapping[str, Measure]) -> dict[str, Any]:
    try:
        return {name: measure(path) for name, measure in measures.items()}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read: {reason}", "download it again, or check its disk") from error


def _recall(table: Table, path: Path, state: State) -> dict[str, Any]:
    entry = table.get(path.name, {})
    return dict(entry["values"]) if entry.get("state") == list(state) else {}


def _cache_files(folder: Path) -> list[Path]:
    """Return the cache files for a folder; the second one is used where the data folder is read-only."""
    import platformdirs

    name = f"{hashlib.sha256(str(folder).encode(errors='surrogateescape')).hexdigest()[:32]}.json"
    return [root / "states" / name for root in (data_root(), platformdirs.user_cache_path("fwibench"))]


def _load(folder: Path) -> Table:
    """Return the cached values of the files of a folder; an unreadable cache file is ignored."""
    found: Table = {}
    for path in reversed(_cache_files(folder)):
        try:
            content = json.loads(path.read_bytes())
            found |= {name: entry for name, entry in content.items() if isinstance(entry["values"], dict)}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
    return found


def _save(fresh: Mapping[Path, Table]) -> None:
    """Store values; of two processes that store at once one may lose its values and computes them again next time."""
    for folder, table in fresh.items():
        content = json.dumps({**_load(folder), **table}).encode()
        for path in _cache_files(folder):
            try:
                with atomic_write(path) as stream:
                    stream.write(content)
            except (DataError, OSError):
                continue
            break
