"""The container of a model file: a zip archive with a manifest.

Invariant: see `fwibench.files.archives`. Members are written inside of the chosen folder only.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field

from fwibench.errors import DataError
from fwibench.files.archives import (
    CHUNK,
    HINT,
    ArchiveKind,
    add_member,
    check_content,
    check_listed,
    open_archive,
    read_manifest,
    read_text,
)
from fwibench.files.atomic import atomic_write, sha256
from fwibench.files.npy import ObjectsError, open_npy, read_headers
from fwibench.problem import Frozen
from fwibench.version import __version__

SUFFIX = ".fwib"
ARRAYS = (".npz", ".npy")
STORED = (*ARRAYS, ".safetensors", SUFFIX)
"""Suffixes of members that are not compressed: weights hardly become smaller."""
KIND = ArchiveKind(
    name="model file",
    suffix=SUFFIX,
    manifest="manifest.json",
    format=1,
    suffixes=(*STORED, ".json", ".md", ".txt", ".csv", ".toml"),
    stored=STORED,
    most_members=1000,
    most_bytes=2**35,
    hint=f"fwibench export RUN -o NAME{SUFFIX} writes one, fwibench import-model makes one of a checkpoint",
)


class Manifest(Frozen):
    """What a model file holds; its first member."""

    format: int = Field(ge=1, description="version of the layout")
    fwibench: str = Field(description="version of fwibench that wrote the file")
    run: str = Field(description="run whose fitted method the file holds")
    missing_traces: float = Field(ge=0, lt=1, description="share of traces that were set to zero in the training data")
    members: dict[str, str] = Field(description="SHA-256 of each other member, by name")


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
        format=KIND.format,
        fwibench=__version__,
        run=run,
        missing_traces=missing_traces,
        members={name: _digest(source) for name, source in members.items()},
    )
    with atomic_write(output) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, source in {KIND.manifest: manifest.model_dump_json(indent=1), **members}.items():
            add_member(archive, KIND, name, source)
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
    with _opened(path) as (manifest, archive):
        found = {}
        for name in names:
            full = name.format(run=manifest.run)
            if full not in manifest.members:
                raise DataError(f"{path} is no complete model file: it has no {full}", HINT)
            content = read_text(path, archive, full)
            check_content(path, full, hashlib.sha256(content).hexdigest(), manifest.members[full])
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
    with _opened(path) as (manifest, archive):
        for name, expected in manifest.members.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as member, target.open("xb") as stream:
                shutil.copyfileobj(member, stream, CHUNK)
            check_content(path, name, _digest(target), expected)
            _check_arrays(path, name, target)
    return manifest


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Manifest, zipfile.ZipFile]]:
    """Open a model file with the listed members; their content is not checked yet."""
    with open_archive(path, KIND) as archive:
        manifest = read_manifest(path, archive, KIND, Manifest)
        check_listed(path, archive, KIND, manifest.members)
        yield manifest, archive


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
    return hashlib.sha256(source.encode()).hexdigest() if isinstance(source, str) else sha256(source)
