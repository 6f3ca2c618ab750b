"""Hostile archives are rejected before their content is used; nothing is written to disk."""

import json
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fwibench.errors import DataError, FwibenchError
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.results import Results
from fwibench.runs.bundles import layout, reading
from fwibench.runs.bundles.layout import member
from fwibench.runs.bundles.reading import open_bundle
from tests.runs.bundles.drafts import load, save

Members = list[tuple[zipfile.ZipInfo, bytes]]
Change = Callable[[Members], None]


def added(name: str, content: bytes = b"{}", mode: int = stat.S_IFREG | 0o644, compression: int = 0) -> Change:
    def change(members: Members) -> None:
        entry = zipfile.ZipInfo(name)
        entry.external_attr, entry.compress_type = mode << 16, compression
        members.append((entry, content))

    return change


def compressed_manifest(members: Members) -> None:
    members[0][0].compress_type = zipfile.ZIP_DEFLATED


def left_out(members: Members) -> None:
    del members[-1]


def again(members: Members) -> None:
    members.append(members[-1])


def key_that_is_a_path(members: Members) -> None:
    entry, content = members[0]
    manifest = json.loads(content)
    manifest["entries"][0]["key"] = "../" * 20 + "etc"
    members[0] = entry, json.dumps(manifest).encode()


def two_of_one_key(members: Members) -> None:
    entry, content = members[0]
    manifest = json.loads(content)
    manifest["entries"].append(manifest["entries"][0])
    members[0] = entry, json.dumps(manifest).encode()


def nested_objects(members: Members) -> None:
    members[0] = members[0][0], b'{"format": 1, "environment": ' + b"[" * 10**6 + b"]" * 10**6 + b"}"


def newer(members: Members) -> None:
    members[0] = members[0][0], b'{"format": 2, "layout": "another"}'


HOSTILE: dict[str, tuple[Change, str]] = {
    "a path above the folder": (added("../escape.json"), "may lead out of the folder"),
    "a path above it further down": (added("entries/../../escape.json"), "may lead out of the folder"),
    "an absolute path": (added("/tmp/escape.json"), "may lead out of the folder"),
    "a Windows path": (added("C:\\escape.json"), "some systems do not allow"),
    "a link": (added("link.json", b"/etc/passwd", stat.S_IFLNK | 0o777), "is a link or a special file"),
    "a pickle": (added("state.pkl"), "may hold code"),
    "a plugin": (added("plugin.py"), "may hold code"),
    "an archive in the archive": (added("inner.zip", b"PK\x03\x04"), "may hold code"),
    "a bomb of zeros": (added("zeros.json", bytes(10**7), compression=zipfile.ZIP_DEFLATED), "is compressed"),
    "a bomb of another compression": (
        added("zeros.json", bytes(10**7), compression=zipfile.ZIP_LZMA),
        "is encrypted or",
    ),
    "a compressed manifest": (compressed_manifest, "is compressed, which members of a bundle are not"),
    "a member that is not listed": (added("more.json"), r"does not hold what its manifest lists: more\.json"),
    "a member that is left out": (left_out, "does not hold what its manifest lists: entries"),
    "a member twice": (again, "has members of the same name"),
    "a key that is a path": (key_that_is_a_path, r"entries\.0\.key: String should match pattern"),
    "an entry twice": (two_of_one_key, "has an entry twice"),
    "objects in objects": (nested_objects, "cannot be read as a bundle"),
    "a newer format": (newer, "has bundle format 2, this fwibench reads 1"),
}


def changed(path: Path, change: Change) -> Path:
    with zipfile.ZipFile(path) as source:
        members = [(entry, source.read(entry)) for entry in source.infolist()]
    change(members)
    copy = path.with_name("hostile.zip")
    with zipfile.ZipFile(copy, "w") as target:
        for entry, content in members:
            target.writestr(entry, content)
    return copy


@pytest.fixture
def bundle(honest: Path, tmp_path: Path) -> Path:
    path = tmp_path / "bundle.zip"
    path.write_bytes(honest.read_bytes())
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("change", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_archive_is_rejected_and_writes_nothing(
    change: Change, message: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bundle.parent)
    hostile = changed(bundle, change)
    before = set(bundle.parent.parent.rglob("*"))
    with pytest.raises(FwibenchError, match=message):
        open_bundle(hostile)
    assert set(bundle.parent.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("packed", "unpacked", "message"),
    [
        (10**12, 10**12, "its members overlap"),
        (None, 10**12, "has [0-9]+ bytes and claims 1000000000000"),
        (10, 10, "cannot be read as a bundle: Bad CRC-32"),
    ],
    ids=["more than the file has", "more than is packed", "less than is packed"],
)
def test_size_that_lies_is_rejected(packed: int | None, unpacked: int, message: str, bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as source:
        members = [(entry.filename, source.read(entry)) for entry in source.infolist()]
    hostile = bundle.with_name("hostile.zip")
    with zipfile.ZipFile(hostile, "w") as target:
        for name, content in members:
            target.writestr(name, content)
        # the directory at the end is written from these
        entry = target.filelist[-1]
        entry.compress_size, entry.file_size = packed or entry.compress_size, unpacked
    with pytest.raises(DataError, match=message):
        open_bundle(hostile)


def test_members_that_share_their_bytes_are_rejected(bundle: Path) -> None:
    hostile = bundle.with_name("hostile.zip")
    with zipfile.ZipFile(bundle) as source, zipfile.ZipFile(hostile, "w") as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
        maps = target.filelist[-1]
        for number in range(50):
            copy = zipfile.ZipInfo(f"copy-{number}.npy")
            copy.header_offset, copy.CRC = maps.header_offset, maps.CRC
            copy.compress_size = copy.file_size = maps.file_size
            target.filelist.append(copy)
    with pytest.raises(DataError, match="its members overlap"):
        open_bundle(hostile)


def test_too_many_or_too_large_members_are_rejected(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "KIND", replace(layout.KIND, most_members=6))
    with pytest.raises(DataError, match="has 7 members, expected 6 or fewer"):
        open_bundle(bundle)
    monkeypatch.setattr(reading, "KIND", replace(layout.KIND, most_bytes=1000))
    with pytest.raises(DataError, match="bytes, expected 1000 or fewer"):
        open_bundle(bundle)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_bundle_is_told(share: float, bundle: Path) -> None:
    content = bundle.read_bytes()
    bundle.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match="is truncated or damaged"):
        open_bundle(bundle)


def test_bundle_that_changes_after_it_was_opened_is_told(bundle: Path) -> None:
    opened = open_bundle(bundle)
    draft = load(bundle)
    draft.codes = draft.codes[::-1]
    save(draft, bundle)
    listed = opened.manifest.files[member(opened.entries[0].key, "predictions.npy")].sha256
    with zipfile.ZipFile(bundle) as archive:
        assert listed not in archive.read("bundle.json").decode()
    with pytest.raises(DataError, match="has changed since it was opened"):
        opened.entries[0].predictions()


def test_predictions_are_those_of_the_run_up_to_the_stated_rounding(bundle: Path, results: Path) -> None:
    entry = open_bundle(bundle).entries[0]
    run = read_predictions(Results(results).run("pixel-ridge"))
    error = np.abs(entry.predictions().astype(np.float64) - run.maps).max()
    assert entry.scores.ids == run.ids
    assert 0 < error == pytest.approx(entry.about.rounding)
    # half of a step between the smallest and the largest value, and the rounding of float32
    step = float(np.ptp(run.maps)) / 65535
    assert error <= step / 2 + np.spacing(run.maps.max())
