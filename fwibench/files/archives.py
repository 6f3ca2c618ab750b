"""Zip archives of unknown origin: model files and bundles.

An archive holds a manifest in JSON and the members that it lists, each with a hash.

Invariant: nothing of an archive is used before the names, kinds and sizes of all members are checked, and nothing is
ever unpickled. Members are read by the name that was checked, and no more bytes of them than the size that was.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from pydantic import BaseModel

from fwibench.errors import DataError
from fwibench.files.atomic import reading
from fwibench.files.npy import ZIP_PREFIX, check_unpacked

MOST_TEXT = 2**26
"""Largest size of a member that is read into memory as a text, 64 MiB."""
HINT = "get or export it again; compare its size and SHA-256 with the original"
CHUNK = 2**20
"""Bytes that are copied or hashed at once."""
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class ArchiveKind:
    """What archives of a kind may hold.

    Attributes:
        name: Name of the kind, such as `model file`.
        suffix: Suffix of the archive's name.
        manifest: Name of the member that lists the others.
        format: Version of the layout that is written; archives of later versions are not read.
        suffixes: Suffixes of all members; files of these kinds hold no code.
        stored: Suffixes of members that are not compressed.
        most_members: Largest number of members.
        most_bytes: Largest size of all members together.
        hint: How an archive of the kind is made.
    """

    name: str
    suffix: str
    manifest: str
    format: int
    suffixes: tuple[str, ...]
    stored: tuple[str, ...]
    most_members: int
    most_bytes: int
    hint: str

    def holds_no_code(self, path: Path | PurePosixPath) -> bool:
        """Return whether the suffix of a file is one that a member may have."""
        return path.suffix.lower() in self.suffixes


def add_member(archive: zipfile.ZipFile, kind: ArchiveKind, name: str, source: Path | str | bytes) -> None:
    """Write a member; the same content gives the same bytes.

    Args:
        archive: The open archive.
        kind: Its kind.
        name: Name of the member.
        source: A file, or the content.
    """
    # the default date is constant
    entry = zipfile.ZipInfo(name)
    stored = PurePosixPath(name).suffix in kind.stored
    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    if not isinstance(source, Path):
        archive.writestr(entry, source)
        return
    entry.file_size = source.stat().st_size
    with source.open("rb") as content, archive.open(entry, "w") as member:
        shutil.copyfileobj(content, member, CHUNK)


@contextmanager
def open_archive(path: Path, kind: ArchiveKind) -> Iterator[zipfile.ZipFile]:
    """Open an archive whose members are checked, except for their content.

    Args:
        path: The archive.
        kind: Its kind.

    Raises:
        DataError: The file is absent, is no archive of the kind, is damaged or hostile.
    """
    if not path.is_file():
        raise DataError(
            f"{path} does not exist"
            if not path.exists()
            else f"{path} is a folder, expected a {kind.name} ({kind.suffix})",
            kind.hint,
        )
    with reading(path, f"a {kind.name}", HINT):
        with path.open("rb") as stream:
            if not stream.read(len(ZIP_PREFIX)).startswith(ZIP_PREFIX):
                raise DataError(f"{path} is no {kind.name}: it is not a zip archive", kind.hint)
        try:
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise DataError(f"{path} is truncated or damaged: the directory at its end is missing", HINT) from error
        with archive:
            _check_members(path, archive, kind)
            yield archive


def read_manifest(path: Path, archive: zipfile.ZipFile, kind: ArchiveKind, model: type[M]) -> M:
    """Read the manifest of an archive.

    Args:
        path: The archive.
        archive: The open archive.
        kind: Its kind.
        model: Model of the manifest.

    Raises:
        DataError: The manifest has a later format.
        ValueError: It is damaged.
    """
    content = json.loads(read_text(path, archive, kind.manifest))
    found = content.get("format") if isinstance(content, dict) else None
    # other fields of a newer format are not known here
    if isinstance(found, int) and found > kind.format:
        raise DataError(f"{path} has {kind.name} format {found}, this fwibench reads {kind.format}", "upgrade fwibench")
    return model.model_validate(content)


def check_listed(path: Path, archive: zipfile.ZipFile, kind: ArchiveKind, listed: Iterable[str]) -> None:
    """Check that an archive holds its manifest and exactly the members that it lists.

    Args:
        path: The archive.
        archive: The open archive.
        kind: Its kind.
        listed: Names of the members that the manifest lists.

    Raises:
        DataError: It holds others.
    """
    if differing := {kind.manifest, *listed}.symmetric_difference(archive.namelist()):
        raise DataError(f"{path} does not hold what its manifest lists: {', '.join(sorted(differing))}", HINT)


def read_text(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """Return the content of a member of `MOST_TEXT` bytes or fewer.

    Args:
        path: The archive.
        archive: The open archive.
        name: Name of the member.

    Raises:
        DataError: The member is larger.
    """
    if (size := archive.getinfo(name).file_size) > MOST_TEXT:
        raise DataError(f"{path}: {name} has {size} bytes, expected {MOST_TEXT} or fewer", HINT)
    return archive.read(name)


def check_content(path: Path, name: str, digest: str, expected: str) -> None:
    """Check that the hash of a member is the listed one.

    Args:
        path: The archive.
        name: Name of the member.
        digest: SHA-256 of its content.
        expected: The listed SHA-256.

    Raises:
        DataError: They differ.
    """
    if digest != expected:
        raise DataError(f"{path}: {name} is not the one that was packed, its SHA-256 differs", HINT)


def member_sha256(archive: zipfile.ZipFile, name: str) -> str:
    """Return the SHA-256 of a member, which is read in chunks."""
    digest = hashlib.sha256()
    with archive.open(name) as member:
        while chunk := member.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _check_members(path: Path, archive: zipfile.ZipFile, kind: ArchiveKind) -> None:
    """Check the names, kinds and sizes of all members."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if kind.manifest not in names:
        raise DataError(f"{path} is no {kind.name}: it has no {kind.manifest}", HINT)
    if len(entries) > kind.most_members:
        raise DataError(f"{path} has {len(entries)} members, expected {kind.most_members} or fewer", HINT)
    if len({name.casefold() for name in names}) < len(names):
        raise DataError(f"{path} has members of the same name", HINT)
    for entry in entries:
        if fault := _fault(entry, kind):
            raise DataError(f"{path} is not read: its member {entry.filename!r} {fault}", HINT)
    packed = path.stat().st_size
    if sum(entry.compress_size for entry in entries) > packed:
        raise DataError(f"{path} is not read: its members overlap", HINT)
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > kind.most_bytes:
        raise DataError(f"{path} would unpack to {unpacked} bytes, expected {kind.most_bytes} or fewer", HINT)
    check_unpacked(unpacked, packed)


def _fault(entry: zipfile.ZipInfo, kind: ArchiveKind) -> str:
    """Return why a member is not read, from its name, kind and compression; empty if it can be read."""
    name, mode = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
    parts = name.split("/")
    # "..", and what Windows takes for it
    if any(not part or part.rstrip(" .") != part for part in parts):
        return "has a path that may lead out of the folder"
    if not name.isprintable() or set('\\:*?"<>|') & set(name):
        return "has a name that some systems do not allow"
    if mode not in (0, stat.S_IFREG):
        return "is a link or a special file"
    if not kind.holds_no_code(PurePosixPath(name)):
        return f"may hold code, expected {', '.join(kind.suffixes)}"
    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is encrypted or compressed by another way than deflate"
    if entry.compress_type == zipfile.ZIP_STORED and entry.compress_size != entry.file_size:
        return f"has {entry.compress_size} bytes and claims {entry.file_size}"
    if set(kind.suffixes) == set(kind.stored) and entry.compress_type != zipfile.ZIP_STORED:
        return f"is compressed, which members of a {kind.name} are not"
    return ""
