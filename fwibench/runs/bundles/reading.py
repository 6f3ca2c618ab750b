"""Reading of bundles from anywhere.

Invariant: nothing is written to disk and nothing is unpickled. A bundle that is opened has the layout, the schema and
the hashes that its manifest states; whether its scores are right is for `fwibench.runs.bundles.verification`.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np

from fwibench.errors import DataError
from fwibench.files.archives import (
    HINT,
    check_content,
    check_listed,
    member_sha256,
    open_archive,
    read_manifest,
    read_text,
)
from fwibench.files.npy import ObjectsError, read_header
from fwibench.runs.artefacts.record import Record, parse_record
from fwibench.runs.artefacts.scores import Scores, parse_scores
from fwibench.runs.bundles.layout import KIND, MEMBERS, SUFFIX, About, Manifest, member
from fwibench.runs.bundles.rounding import Codes, decode
from fwibench.typing import Maps


@dataclass(frozen=True)
class Entry:
    """A run in a bundle.

    Attributes:
        path: The bundle.
        about: What its manifest says about the entry.
        record: Record of the run; its scores are those of the rounded maps.
        scores: Scores of each test sample.
        shape: Shape `(n, 1, Z, X)` of the predictions.
        maps_sha256: SHA-256 of the member that holds them.
    """

    path: Path
    about: About
    record: Record
    scores: Scores = field(repr=False)
    shape: tuple[int, ...]
    maps_sha256: str = field(repr=False)

    @property
    def key(self) -> str:
        """Key of the cell."""
        return self.about.key

    def predictions(self) -> Maps:
        """Read the predicted maps `(n, 1, Z, X)`, in the unit of the property and in the order of `scores.ids`.

        Raises:
            DataError: The bundle has changed since it was opened.
        """
        name = member(self.key, "predictions.npy")
        with open_archive(self.path, KIND) as archive:
            content = archive.read(name) if name in archive.namelist() else b""
        if hashlib.sha256(content).hexdigest() != self.maps_sha256:
            raise DataError(f"{self.path} has changed since it was opened", "run the command again")
        codes: Codes = np.load(BytesIO(content), allow_pickle=False)
        return decode(codes, self.about.offset, self.about.scale)


@dataclass(frozen=True)
class Bundle:
    """An open bundle.

    Attributes:
        path: The file.
        manifest: What it states.
        entries: Its runs.
    """

    path: Path
    manifest: Manifest
    entries: tuple[Entry, ...]


def bundles_at(path: Path) -> list[Path]:
    """Return the bundles that a path names: the file, or those in a folder and below."""
    return sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]


def open_bundle(path: Path) -> Bundle:
    """Open a bundle and check its layout, its schema and all hashes.

    Args:
        path: The file.

    Raises:
        DataError: The file is absent, damaged, hostile or of a newer format, or its members are not what it states.
        RecordError: A record or a table of scores is damaged.
    """
    with open_archive(path, KIND) as archive:
        manifest = read_manifest(path, archive, KIND, Manifest)
        _check_names(path, manifest)
        check_listed(path, archive, KIND, manifest.files)
        for name, listed in manifest.files.items():
            check_content(path, name, member_sha256(archive, name), listed.sha256)
        return Bundle(path, manifest, tuple(_read_entry(path, archive, manifest, about) for about in manifest.entries))


def _check_names(path: Path, manifest: Manifest) -> None:
    """Raise `DataError` unless a manifest lists the members of its entries and nothing else."""
    keys = [about.key for about in manifest.entries]
    if len(set(keys)) < len(keys):
        raise DataError(f"{path} has an entry twice", HINT)
    expected = {member(key, name) for key in keys for name in MEMBERS}
    if differing := expected.symmetric_difference(manifest.files):
        names = ", ".join(sorted(differing)[:3])
        raise DataError(f"{path}: the files that its manifest lists are not those of its entries: {names}", HINT)


def _read_entry(path: Path, archive: zipfile.ZipFile, manifest: Manifest, about: About) -> Entry:
    record_name, scores_name, maps_name = (member(about.key, name) for name in MEMBERS)
    record = parse_record(read_text(path, archive, record_name), path / record_name)
    table = read_text(path, archive, scores_name).decode().replace("\r\n", "\n")
    scores = parse_scores(table, path / scores_name)
    if record.cell.key != about.key:
        raise DataError(f"{path}: the record of entry {about.key[:8]} is of the cell {record.cell.key[:8]}", HINT)
    try:
        with archive.open(maps_name) as stream:
            header = read_header(stream, archive.getinfo(maps_name).file_size)
    except ObjectsError as error:
        raise DataError(f"{path}: {maps_name} holds pickled Python objects, which are not read", HINT) from error
    except ValueError as error:
        raise DataError(f"{path}: {maps_name} cannot be read as an array: {error}", HINT) from error
    n = len(scores.ids)
    if header.dtype != np.uint16 or len(header.shape) != 4 or header.shape[:2] != (n, 1) or 0 in header.shape:
        raise DataError(
            f"{path}: {maps_name} holds {header.dtype} of shape {header.shape}, expected uint16 of shape ({n}, 1, Z, "
            "X): a map of each sample in scores.csv",
            HINT,
        )
    return Entry(path, about, record, scores, header.shape, manifest.files[maps_name].sha256)
