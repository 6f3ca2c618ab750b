"""The container: what was packed is read, and hostile, damaged or newer files are rejected before they are used."""

import json
import pickle
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.errors import DataError
from fwibench.files import npy
from fwibench.runs.models import archive
from fwibench.runs.models.archive import KIND, pack, read_texts, unpack

Entries = list[tuple[zipfile.ZipInfo, bytes]]


class Bomb:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("unpickled"),)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    np.savez(tmp_path / "arrays.npz", weights=np.arange(6, dtype=np.float32))
    path = tmp_path / "packed.fwib"
    pack(path, "run", 0.25, {"card.md": "# A card\n", "runs/run/model/arrays.npz": tmp_path / "arrays.npz"})
    return path


def rewritten(path: Path, change: Callable[[Entries], Entries], *, listed: bool = True) -> Path:
    """Write a copy with changed members; `listed` updates the manifest."""
    with zipfile.ZipFile(path) as source:
        entries = change([(entry, source.read(entry)) for entry in source.infolist()])
    manifest = json.loads({entry.filename: data for entry, data in entries}[KIND.manifest])
    if listed:
        import hashlib

        manifest["members"] = {
            entry.filename: hashlib.sha256(data).hexdigest()
            for entry, data in entries
            if entry.filename != KIND.manifest
        }
    copy = path.with_name("hostile.fwib")
    with zipfile.ZipFile(copy, "w") as target:
        for entry, data in entries:
            target.writestr(entry, json.dumps(manifest) if entry.filename == KIND.manifest else data)
    return copy


def with_member(name: str, data: bytes = b"x", mode: int = stat.S_IFREG | 0o644, **more: Any) -> Callable[..., Entries]:
    def change(entries: Entries) -> Entries:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        for attribute, value in more.items():
            setattr(entry, attribute, value)
        return [*entries, (entry, data)]

    return change


def test_packed_members_are_unpacked(packed: Path, tmp_path: Path) -> None:
    manifest = unpack(packed, tmp_path / "out")
    assert (manifest.format, manifest.run, manifest.missing_traces) == (KIND.format, "run", 0.25)
    assert {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")} == set(
        manifest.members
    )
    with np.load(tmp_path / "out" / "runs" / "run" / "model" / "arrays.npz") as arrays:
        assert np.array_equal(arrays["weights"], np.arange(6, dtype=np.float32))
    assert read_texts(packed, ("card.md",))[1] == {"card.md": "# A card\n"}


OBJECTS = BytesIO()
np.savez(OBJECTS, weights=np.array([Bomb()], dtype=object))

HOSTILE: dict[str, tuple[Callable[..., Entries], str]] = {
    "a path above the folder": (with_member("../escape.txt"), "may lead out of the folder"),
    "a path above it further down": (with_member("runs/../../escape.txt"), "may lead out of the folder"),
    "an absolute path": (with_member("/tmp/escape.txt"), "may lead out of the folder"),
    "a Windows path": (with_member("C:\\escape.txt"), "some systems do not allow"),
    "a link": (with_member("link.txt", b"/etc/passwd", stat.S_IFLNK | 0o777), "is a link or a special file"),
    "a pickle": (with_member("runs/run/model/state.pkl", pickle.dumps(Bomb())), "may hold code"),
    "a torch file": (with_member("runs/run/model/model.pt"), "may hold code"),
    "code": (with_member("runs/run/model/code.py"), "may hold code"),
    "a folder": (with_member("runs/run/model/"), "may lead out of the folder"),
    "an array of objects": (with_member("arrays.npz", OBJECTS.getvalue()), "holds pickled Python objects"),
    "a pickle with the name of arrays": (with_member("arrays.npz", pickle.dumps(Bomb())), "cannot be read as arrays"),
    "the same name in capitals": (with_member("CARD.md"), "members of the same name"),
    "another compression": (with_member("a.txt", compress_type=zipfile.ZIP_BZIP2), "another way than deflate"),
}


@pytest.mark.parametrize(("change", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_file_is_rejected_and_nothing_escapes(
    change: Callable[..., Entries], message: str, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = rewritten(packed, change)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=message):
        unpack(hostile, tmp_path / "sub" / "out")
    assert not (tmp_path / "unpickled").exists()
    assert {path for path in tmp_path.rglob("*") if tmp_path / "sub" not in path.parents} - before <= {tmp_path / "sub"}
    assert not list(tmp_path.rglob("escape.txt"))


def test_file_that_unpacks_to_far_more_bytes_is_rejected_before_it_is_unpacked(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = rewritten(packed, with_member("zeros.txt", bytes(10**6), compress_type=zipfile.ZIP_DEFLATED))
    unpack(bomb, tmp_path / "small")
    monkeypatch.setattr(npy, "LARGE", 10**5)
    with pytest.raises(DataError, match="would unpack to"):
        unpack(bomb, tmp_path / "out")
    monkeypatch.setattr(npy, "RATIO", 10**9)
    monkeypatch.setattr(archive, "KIND", replace(KIND, most_bytes=10**5))
    with pytest.raises(DataError, match="would unpack to .* bytes, expected 100000 or fewer"):
        unpack(bomb, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_too_many_members_are_rejected(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "KIND", replace(KIND, most_members=2))
    with pytest.raises(DataError, match="has 3 members, expected 2 or fewer"):
        unpack(packed, tmp_path / "out")


def test_changed_member_is_told(packed: Path, tmp_path: Path) -> None:
    def change(entries: Entries) -> Entries:
        return [(entry, b"# Another\n" if entry.filename == "card.md" else data) for entry, data in entries]

    changed = rewritten(packed, change, listed=False)
    for read in (lambda: unpack(changed, tmp_path / "out"), lambda: read_texts(changed, ("card.md",))):
        with pytest.raises(DataError, match=r"card\.md is not the one that was packed"):
            read()


def test_member_that_is_not_listed_is_told(packed: Path, tmp_path: Path) -> None:
    hostile = rewritten(packed, with_member("more.txt"), listed=False)
    with pytest.raises(DataError, match=r"does not hold what its manifest lists: more\.txt"):
        unpack(hostile, tmp_path / "out")


def test_newer_format_asks_for_an_upgrade_whatever_else_its_manifest_holds(packed: Path, tmp_path: Path) -> None:
    def change(entries: Entries) -> Entries:
        newer = {"format": KIND.format + 1, "layout": "another", "members": 3}
        return [
            (entry, json.dumps(newer).encode() if entry.filename == KIND.manifest else data) for entry, data in entries
        ]

    newer = rewritten(packed, change, listed=False)
    with pytest.raises(DataError, match=r"has model file format 2, this fwibench reads 1") as error:
        read_texts(newer)
    assert error.value.hint == "upgrade fwibench"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_file_is_told(share: float, packed: Path, tmp_path: Path) -> None:
    content = packed.read_bytes()
    packed.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match="is truncated or damaged"):
        unpack(packed, tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "message"), [(None, "does not exist"), (b"", "is no model file"), (b"\x93NUMPY", "is no model file")]
)
def test_other_file_is_told(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "other.fwib"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_texts(path)


def test_zip_archive_without_manifest_is_no_model_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    with pytest.raises(DataError, match=r"is no model file: it has no manifest\.json"):
        read_texts(tmp_path / "arrays.npz")
