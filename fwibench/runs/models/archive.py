"""The container of a model file: a zip archive with a manifest.

Invariant: nothing of a file is used before its name, size and hash are checked, and nothing is ever unpickled. Members
are written inside of the chosen folder only.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from pydantic import Field

from fwibench.errors import DataError
from fwibench.files.atomic import atomic_write, reading
from fwibench.files.npy import ZIP_PREFIX, ObjectsError, check_unpacked, open_npy, read_headers
from fwibench.problem import Frozen
from fwibench.version import __version__

FORMAT = 1
"""Version of the layout of a model file."""
SUFFIX = ".fwib"
MANIFEST = "manifest.json"
ARRAYS = (".npz", ".npy")
STORED = (*ARRAYS, ".safetensors", SUFFIX)
"""Suffixes of members that are not compressed: weights hardly become smaller."""
SUFFIXES = (*STORED, ".json", ".md", ".txt", ".csv", ".toml")
"""Suffixes of all members; files of these kinds hold no code."""
MOST_MEMBERS = 1000
MOST_BYTES = 2**35
"""Largest size of all members together, 32 GiB."""
MOST_TEXT = 2**26
"""Largest size of a member that is read into memory, 64 MiB."""
HINT = "get or export it again; compare its size and SHA-256 with the original"


class Manifest(Frozen):
    """What a model file holds; its first member."""

    format: int = Field(ge=1, description="version of the layout")
    fwibench: str = Field(description="version of fwibench that wrote the file")
    run: str = Field(description="run whose fitted method the file holds")
    missing_traces: float = Field(ge=0, lt=1, description="share of traces that were set to zero in the training data")
    members: dict[str, str] = Field(description="SHA-256 of each other member, by name")


def holds_no_code(path: Path | PurePosixPath) -> bool:
    """Return whether the suffix of a file is one that a model file may hold."""
    return path.suffix.lower() in SUFFIXES


def pack(output: Path, run: str, missing_traces: float, members: Mapping[str, Path | str]) -> Manifest:
    """Write a model file; the same members give the same bytes.

    Args:
        output: The file.
        run: See `Manifest`.
        missing_traces: See `Manifest`.
        members: Files, or texts, by name in the archive.

    Returns:
        The manifest.

    Raises:
        DataError: The file cannot be written.
    """
    manifest = Manifest(
        format=FORMAT,
        fwibench=__version__,
        run=run,
        missing_traces=missing_traces,
        members={name: _digest(source) for name, source in members.items()},
    )
    with atomic_write(output) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, source in {MANIFEST: manifest.model_dump_json(indent=1), **members}.items():
            # the default date is constant
            entry = zipfile.ZipInfo(name)
            stored = PurePosixPath(name).suffix in STORED
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            if isinstance(source, str):
                archive.writestr(entry, source)
                continue
            entry.file_size = source.stat().st_size
            with source.open("rb") as content, archive.open(entry, "w") as member:
                shutil.copyfileobj(content, member, 2**20)
    return manifest


def read_texts(path: Path, names: tuple[str, ...] = ()) -> tuple[Manifest, dict[str, str]]:
    """Read the manifest and some texts of a model file.

    Args:
        path: The file.
        names: Names of the members; `{run}` stands for the name of the run.

    Returns:
        The manifest, and the texts by name as given.

    Raises:
        DataError: The file is absent, damaged, hostile, of a newer format, or has no such member.
    """
    with _opened(path) as archive:
        manifest = _check(path, archive)
        found = {}
        for name in names:
            full = name.format(run=manifest.run)
            if full not in manifest.members:
                raise DataError(f"{path} is no complete model file: it has no {full}", HINT)
            content = _read_small(path, archive, full)
            if hashlib.sha256(content).hexdigest() != manifest.members[full]:
                raise _changed(path, full)
            found[name] = content.decode()
        return manifest, found


def unpack(path: Path, folder: Path) -> Manifest:
    """Write the members of a model file into an empty folder, and check their hashes.

    Args:
        path: The file.
        folder: Where the members are written.

    Returns:
        The manifest.

    Raises:
        DataError: See `read_texts`; or an array holds Python objects.
    """
    with _opened(path) as archive:
        manifest = _check(path, archive)
        for name, expected in manifest.members.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            # zipfile reads no more bytes than the size that was checked
            with archive.open(name) as member, target.open("xb") as stream:
                shutil.copyfileobj(member, stream, 2**20)
            if _digest(target) != expected:
                raise _changed(path, name)
            _check_arrays(path, name, target)
    return manifest


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    if not path.is_file():
        raise DataError(
            f"{path} does not exist" if not path.exists() else f"{path} is a folder, expected a model file ({SUFFIX})",
            f"fwibench export RUN -o NAME{SUFFIX} writes one",
        )
    with reading(path, "a model file", HINT):
        with path.open("rb") as stream:
            if not stream.read(len(ZIP_PREFIX)).startswith(ZIP_PREFIX):
                raise DataError(
                    f"{path} is no model file: it is not a zip archive",
                    f"fwibench export RUN -o NAME{SUFFIX} writes one, fwibench import-model makes one of a checkpoint",
                )
        try:
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise DataError(f"{path} is truncated or damaged: the directory at its end is missing", HINT) from error
        with archive:
            yield archive


def _check(path: Path, archive: zipfile.ZipFile) -> Manifest:
    """Return the manifest, after the names and sizes of all members were checked."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if MANIFEST not in names:
        raise DataError(f"{path} is no model file: it has no {MANIFEST}", HINT)
    if len(entries) > MOST_MEMBERS:
        raise DataError(f"{path} has {len(entries)} members, expected {MOST_MEMBERS} or fewer", HINT)
    if len({name.casefold() for name in names}) < len(names):
        raise DataError(f"{path} has members of the same name", HINT)
    for entry in entries:
        if fault := _fault(entry):
            raise DataError(f"{path} is not read: its member {entry.filename!r} {fault}", HINT)
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MOST_BYTES:
        raise DataError(f"{path} would unpack to {unpacked} bytes, expected {MOST_BYTES} or fewer", HINT)
    check_unpacked(unpacked, path.stat().st_size)
    manifest = _read_manifest(path, archive)
    if differing := {MANIFEST, *manifest.members}.symmetric_difference(names):
        raise DataError(f"{path} does not hold what its manifest lists: {', '.join(sorted(differing))}", HINT)
    return manifest


def _read_manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    content = json.loads(_read_small(path, archive, MANIFEST))
    found = content.get("format") if isinstance(content, dict) else None
    # other fields of a newer format are not known here
    if isinstance(found, int) and found > FORMAT:
        raise DataError(f"{path} has model format {found}, this fwibench reads {FORMAT}", "upgrade fwibench")
    return Manifest.model_validate(content)


def _fault(entry: zipfile.ZipInfo) -> str:
    """Return why a member is not read, from its name, kind and compression; empty if it can be read."""
    name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
    parts = name.split("/")
    # "..", and what Windows takes for it
    if any(not part or part.rstrip(" .") != part for part in parts):
        return "has a path that may lead out of the folder"
    if not name.isprintable() or set('\\:*?"<>|') & set(name):
        return "has a name that some systems do not allow"
    if kind not in (0, stat.S_IFREG):
        return "is a link or a special file"
    if not holds_no_code(PurePosixPath(name)):
        return f"may hold code, expected {', '.join(SUFFIXES)}"
    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is encrypted or compressed by another way than deflate"
    return ""


def _read_small(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    if (size := archive.getinfo(name).file_size) > MOST_TEXT:
        raise DataError(f"{path}: {name} has {size} bytes, expected {MOST_TEXT} or fewer", HINT)
    return archive.read(name)


def _check_arrays(path: Path, name: str, target: Path) -> None:
    """Raise `DataError` for arrays that are damaged, hold Python objects, or unpack to far more bytes."""
    try:
        if target.suffix == ".npz":
            read_headers(target)
        elif target.suffix == ".npy":
            open_npy(target)
    except ObjectsError as error:
        raise DataError(f"{path}: {name} holds pickled Python objects, which are not read", HINT) from error
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: {name} cannot be read as arrays: {error}", HINT) from error


def _digest(source: Path | str) -> str:
    if isinstance(source, str):
        return hashlib.sha256(source.encode()).hexdigest()
    with source.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _changed(path: Path, name: str) -> DataError:
    return DataError(f"{path}: {name} is not the one that was packed, its SHA-256 differs", HINT)
