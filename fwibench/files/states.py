"""What a file's content says, worked out once for each state of the file.

Hashing or reading gigabytes in every command would take minutes, and looking at a part of a file misses changes in the
rest. So a value that depends on the content alone is kept in the data folder beside the file's state, and is worked out
again when the state differs. The time of the last change of status (ctime) belongs to the state because programs cannot
set it back as they can mtime.

Invariant: a value is kept only for a file that is older than the resolution of its times and did not change while it
was read. Losing what is kept costs time, never a result.
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
"""Works out a value that JSON can hold from a file's content."""
Progress = Callable[[int, int], None]
"""Called with files read and files to read."""
Table = dict[str, dict[str, Any]]

FRESH = 2.0
"""Seconds within which a second change might leave a file's times as they are: FAT counts in steps of 2 s."""
SAVE_EVERY = 10.0
"""Seconds of work after which values are saved, so that an interruption does not lose all of them."""


class State(NamedTuple):
    """What the file system says of a file; any change of its content changes one of these.

    Attributes:
        size: Length [bytes].
        modified: Time of the last change of content [ns].
        changed: Time of the last change of content or status [ns]; on Windows the time it was made.
        inode: Number of the file in its file system.
    """

    size: int
    modified: int
    changed: int
    inode: int

    @property
    def settled(self) -> bool:
        """Whether a change from now on would get another time."""
        now = time.time_ns()
        return all(abs(now - moment) > FRESH * 1e9 for moment in (self.modified, self.changed))


def state_of(path: Path) -> State:
    """Return the state of a file; follows links.

    Raises:
        DataError: There is no such file, or it cannot be looked at.
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
    """Work out values of files, or recall them where a file is as it was when they were worked out.

    Args:
        paths: The files.
        measures: How each value is worked out, by its name; must depend on the file's content alone.
        progress: Called while files are read.

    Returns:
        The values of each file, by name.

    Raises:
        DataError: A file cannot be read.
    """
    paths = [path.absolute() for path in paths]
    known = {folder: _load(folder) for folder in {path.parent for path in paths}}
    states = [state_of(path) for path in paths]
    # asked before reading: a change during the reading must show in the state
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
    """Hash files in full and yield those whose content changed though their state did not, with a reason."""
    for path in (path.absolute() for path in paths):
        was = _recall(_load(path.parent), path, state_of(path)).get("sha256")
        if was is not None and was != _measure(path, {"sha256": sha256})["sha256"]:
            yield path, "the content changed, though size and times did not"


def content_hashes(paths: Iterable[Path], progress: Progress = lambda done, total: None) -> list[str]:
    """Return the SHA-256 of each file's whole content; see `remembered`."""
    return [values["sha256"] for values in remembered(paths, {"sha256": sha256}, progress)]


def stamp(paths: Iterable[Path]) -> list[tuple[str, int, str]]:
    """Return name, size and SHA-256 of each file: what it holds, not where it lies."""
    paths = list(paths)
    hashes = content_hashes(paths)
    return [(path.name, state_of(path).size, one) for path, one in zip(paths, hashes, strict=True)]


def _measure(path: Path, measures: Mapping[str, Measure]) -> dict[str, Any]:
    try:
        return {name: measure(path) for name, measure in measures.items()}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read: {reason}", "get it anew, or check the disk it lies on") from error


def _recall(table: Table, path: Path, state: State) -> dict[str, Any]:
    entry = table.get(path.name, {})
    return dict(entry["values"]) if entry.get("state") == list(state) else {}


def _places(folder: Path) -> list[Path]:
    """Files that may keep the values of a folder's files: the second where the data folder is read-only."""
    import platformdirs

    name = f"{hashlib.sha256(str(folder).encode(errors='surrogateescape')).hexdigest()[:32]}.json"
    return [root / "states" / name for root in (data_root(), platformdirs.user_cache_path("fwibench"))]


def _load(folder: Path) -> Table:
    """Kept values of a folder's files; a table that cannot be read is as good as none."""
    found: Table = {}
    for place in reversed(_places(folder)):
        try:
            content = json.loads(place.read_bytes())
            found |= {name: entry for name, entry in content.items() if isinstance(entry["values"], dict)}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
    return found


def _save(fresh: Mapping[Path, Table]) -> None:
    """Keep values; of two processes that save at once one may lose its own, and works them out again next time."""
    for folder, table in fresh.items():
        content = json.dumps({**_load(folder), **table}).encode()
        for place in _places(folder):
            try:
                with atomic_write(place) as stream:
                    stream.write(content)
            except (DataError, OSError):
                continue
            break
