"""The hash of a fitted model."""

from pathlib import Path

import pytest

from fwibench.errors import DataError
from fwibench.runs.artefacts.model_files import model_sha256


def test_hash_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    contents = [{"a": b"1"}, {"b": b"1"}, {"a": b"2"}, {"a": b"1", "b/a": b"1"}, {"a": b"1", "b/a": b""}, {}]
    found = []
    for number, files in enumerate(contents):
        for turn in range(2):
            folder = tmp_path / f"{number}-{turn}"
            folder.mkdir()
            for name, content in sorted(files.items(), reverse=bool(turn)):
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(content)
            found.append(model_sha256(folder))
    assert found[::2] == found[1::2]
    assert len(set(found)) == len(contents)


def test_missing_folder_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is missing"):
        model_sha256(tmp_path / "model")
