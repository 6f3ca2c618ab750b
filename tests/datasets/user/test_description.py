"""Added datasets after their files or their descriptions have changed."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.user import value_ranges
from fwibench.datasets.user.add import add_dataset
from fwibench.datasets.user.dataset import _stamp_of_ends
from fwibench.datasets.user.description import description_path, forget, read_descriptions
from fwibench.errors import DataError
from fwibench.plugins.registry import load_registry
from tests.conftest import Command
from tests.datasets.user.arrays import SHAPE, add_options, fill, opened


def test_changed_or_missing_files_are_reported(home: Path) -> None:
    fill(home)
    add_dataset(add_options())
    array = np.load(home / "model2.npy")
    np.save(home / "model2.npy", array + 1)
    (home / "data1.npy").unlink()
    dataset = opened()
    assert not dataset.prepared()
    with pytest.raises(DataError, match=r"data1.npy is missing; .*model2.npy was changed after it was added") as wrong:
        dataset.fingerprint  # noqa: B018
    assert "fwibench data remove mine" in wrong.value.hint
    assert len(dataset.verify()) == 2


def test_verify_reads_samples_that_add_skipped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(home, (20, 20, 20))
    monkeypatch.setattr(value_ranges, "READ_BYTES", 3 * 4 * int(np.prod(SHAPE)))
    array = np.load(home / "data10.npy")
    array[7, 0, 0, 0] = np.nan
    np.save(home / "data10.npy", array)
    found = add_dataset(add_options())
    assert (found.amplitude.read, found.property.read) == (3, 60)
    (fault,) = opened().verify()
    assert "data10.npy, sample 7: values are NaN or infinite, 1 of 9600 in all" in fault
    with pytest.raises(DataError, match="data10.npy, sample 7"):
        opened().split("random", "test")


def test_change_in_middle_of_file_is_found(home: Path) -> None:
    fill(home, (300, 4, 5))
    add_dataset(add_options())
    assert (home / "data1.npy").stat().st_size > 2**17 + 2**16, "longer than both ends that were hashed once"
    times = (home / "data1.npy").stat()
    array = np.load(home / "data1.npy", mmap_mode="r+")
    array[100:200] = array[100:200][::-1].copy()
    array.flush()
    del array
    os.utime(home / "data1.npy", ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(DataError, match="data1.npy was changed after it was added"):
        opened().fingerprint  # noqa: B018
    assert "data1.npy was changed after it was added" in opened().verify()[0]


def test_description_of_early_version_keeps_fingerprint(home: Path) -> None:
    fill(home)
    add_dataset(add_options())
    path = description_path("mine")
    content = json.loads(path.read_text())
    content["stamps"] = [_stamp_of_ends(Path(name)) for name in content["measurements"] + content["properties"]]
    before = opened().fingerprint
    path.write_text(json.dumps(content))
    assert opened().fingerprint == before
    assert opened().verify() == []


def test_description_with_infinite_bounds_is_skipped(home: Path, fwibench: Command) -> None:
    fill(home)
    add_dataset(add_options())
    path = description_path("mine")
    text = path.read_text()
    for value in ("NaN", "null", "Infinity"):
        path.write_text(re.sub(r'"high": ?[-0-9.e]+', f'"high": {value}', text))
        assert list(read_descriptions()[1]) == [path]
    done = fwibench("info", "mine")
    assert done.returncode == 2
    assert "added dataset mine is skipped" in done.stderr
    assert "fwibench data remove mine" in done.stderr


def test_damaged_descriptions_do_not_affect_others(home: Path) -> None:
    fill(home)
    add_dataset(add_options())
    text = description_path("mine").read_text()
    for name, content in (
        ("cut", text[:200]),
        ("empty", ""),
        ("renamed", text),
        ("short", text.replace('"counts": [', '"counts": [1, ')),
    ):
        description_path(name).write_text(content)
    found, damaged = read_descriptions()
    assert [one.name for one in found] == ["mine"]
    assert {path.stem for path in damaged} == {"cut", "empty", "renamed", "short"}
    assert "mine" in load_registry().datasets
    assert forget("cut")
    assert not forget("cut")


def test_moved_files_keep_fingerprint(home: Path, tmp_path: Path) -> None:
    fill(home)
    add_dataset(add_options())
    first = opened().fingerprint
    forget("mine")
    home.rename(tmp_path / "moved")
    moved = {
        "measurements": str(tmp_path / "moved/data*.npy"),
        "properties": str(tmp_path / "moved/model*.npy"),
    }
    add_dataset(add_options(**moved))
    assert opened().fingerprint == first
    forget("mine")
    add_dataset(add_options(**moved, test=3))
    assert opened().fingerprint != first
