import json
import os
import shutil
import time
from collections import namedtuple
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from fwibench.datasets.store import Manifest, Shard, Store
from fwibench.errors import DataError
from fwibench.files.atomic import sha256
from fwibench.samples import ShardedArray, Split
from tests.test_file_states import settle

BLANK = Manifest(
    dataset="toy",
    source="synthetic",
    version="1",
    fingerprint="f",
    seed=0,
    measurement_shape=(1, 2, 3),
    property_shape=(1, 2, 2),
    measurement_unit="amplitude",
    property_unit="m/s",
    shard_rows=4,
)


def make(numbers: range) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for i in numbers:
        yield np.full((1, 2, 3), i, np.float32), np.full((1, 2, 2), -i, np.float32)


def grow(store: Store, n: int) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    store.grow(n, make, lambda done, total: seen.append((done, total)))
    return seen


def read(store: Store, n: int) -> np.ndarray:
    shards = [shard for _, shard in sorted(store.manifest().shards.items())]
    paths, counts = [store.folder / shard.measurements for shard in shards], [shard.samples for shard in shards]
    return ShardedArray(paths, counts, (1, 2, 3), np.arange(n))[:][:, 0, 0, 0]


def test_growing_store_keeps_existing_samples(tmp_path: Path) -> None:
    store = Store(tmp_path, BLANK)
    grow(store, 5)
    first = (tmp_path / "data0.npy").stat().st_mtime_ns
    seen = grow(store, 11)
    assert seen[0] == (5, 11), "the sample of the shard that was not full is kept"
    assert seen[-1] == (11, 11)
    assert (tmp_path / "data0.npy").stat().st_mtime_ns == first
    np.testing.assert_array_equal(read(store, 11), np.arange(11))
    assert grow(store, 11) == [(11, 11)]


def test_killed_writer_leaves_no_partial_shard(tmp_path: Path) -> None:
    store = Store(tmp_path, BLANK)

    def dies(numbers: range) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for i, sample in zip(numbers, make(numbers), strict=True):
            if i == 6:
                raise RuntimeError
            yield sample

    with pytest.raises(RuntimeError):
        store.grow(8, dies, lambda done, total: None)
    assert store.missing(8) == [1]
    grow(store, 8)
    np.testing.assert_array_equal(read(store, 8), np.arange(8))
    assert store.damaged() == []


def test_two_writers_share_work(tmp_path: Path) -> None:
    made: list[int] = []

    def slow(numbers: range) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for i, sample in zip(numbers, make(numbers), strict=True):
            made.append(i)
            time.sleep(0.01)
            yield sample

    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(Store(tmp_path, BLANK).grow, 40, slow, lambda done, total: None)
    assert sorted(made) == list(range(40)), "every sample is made once"
    np.testing.assert_array_equal(read(Store(tmp_path, BLANK), 40), np.arange(40))
    assert Store(tmp_path, BLANK).damaged() == []


def test_writer_waits_for_locked_shard(tmp_path: Path) -> None:
    store = Store(tmp_path, BLANK)
    with FileLock(tmp_path / ".shard0.lock"), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(grow, store, 8)
        while store.missing(8) != [0]:
            time.sleep(0.01)
        assert not waiting.done()
        store._add(0, store._make(0, 8, make, lambda done, total: None, 0), "cpu")
    assert store.missing(8) == []


def test_shard_is_written_while_the_next_one_is_made(tmp_path: Path) -> None:
    store = Store(tmp_path, BLANK)

    def waits(numbers: range) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if numbers.start:
            give_up = time.monotonic() + 60
            while numbers.start // 4 - 1 not in store.manifest().shards:
                assert time.monotonic() < give_up, "the shard before is not written until this one is made"
                time.sleep(0.01)
        yield from make(numbers)

    seen: list[int] = []
    store.grow(11, waits, lambda done, total: seen.append(done))
    np.testing.assert_array_equal(read(store, 11), np.arange(11))
    assert seen == sorted(seen)
    assert set(seen) == set(range(12))
    assert store.damaged() == []


@pytest.mark.parametrize("failing", ["data0.npy", "data1.npy", "data2.npy"])
def test_shard_that_cannot_be_written_is_an_error(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, BLANK)

    def full(source: Path, target: Path) -> None:
        if Path(target).name == failing:
            raise OSError(28, "No space left on device")
        os.rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr("fwibench.datasets.store.os.replace", full)
        with pytest.raises(DataError, match=f"{failing} cannot be written"):
            grow(store, 11)
    assert int(failing[4]) in store.missing(11)
    grow(store, 11)
    np.testing.assert_array_equal(read(store, 11), np.arange(11))


def test_error_of_a_sample_waits_for_the_shard_before(tmp_path: Path) -> None:
    store = Store(tmp_path, BLANK)

    def fails(numbers: range) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if numbers.start:
            raise RuntimeError("the second shard fails")
        yield from make(numbers)

    with pytest.raises(RuntimeError, match="second shard"):
        store.grow(8, fails, lambda done, total: None)
    assert store.missing(8) == [1]
    assert store.damaged() == []


def test_manifest_names_the_devices_of_a_shard(tmp_path: Path) -> None:
    store = Store(tmp_path, BLANK)
    for n, device in ((2, "cpu"), (7, "cuda (A)"), (12, "cuda (A)"), (13, "cpu")):
        store.grow(n, make, lambda done, total: None, device)
    shards = store.manifest().shards
    assert [shards[k].devices for k in range(4)] == [("cpu", "cuda (A)"), ("cuda (A)",), ("cuda (A)",), ("cpu",)]
    np.testing.assert_array_equal(read(store, 13), np.arange(13))


def test_changed_and_absent_files_are_reported(tmp_path: Path) -> None:
    store = Store(tmp_path, BLANK)
    grow(store, 8)
    content = bytearray((tmp_path / "data0.npy").read_bytes())
    content[-1] ^= 1
    (tmp_path / "data0.npy").write_bytes(content)
    (tmp_path / "model1.npy").unlink()
    assert store.damaged() == ["data0.npy", "model1.npy"]


def test_changed_file_is_found_with_cached_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path, BLANK)
    grow(store, 8)
    settle(monkeypatch)
    assert store.changed(8) == []
    hashed: list[str] = []
    monkeypatch.setattr("fwibench.files.states.sha256", lambda path: hashed.append(path.name) or sha256(path))
    assert store.changed(8) == []
    assert hashed == [], "nothing changed"
    times = (tmp_path / "model1.npy").stat()
    content = bytearray((tmp_path / "model1.npy").read_bytes())
    content[-1] ^= 1
    (tmp_path / "model1.npy").write_bytes(content)
    os.utime(tmp_path / "model1.npy", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert store.changed(8) == ["model1.npy"]
    assert store.changed(4) == [], "no sample of the first four lies there"
    (tmp_path / "model1.npy").unlink()
    assert store.changed(8) == []
    assert store.missing(8) == [1], "what was deleted is made again"
    grow(store, 8)
    assert store.damaged() == []


def test_manifest_of_early_version_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path, BLANK)
    grow(store, 8)
    content = json.loads((tmp_path / "manifest.json").read_text())
    assert set(content["shards"]["0"]) == {"measurements", "properties", "samples", "sha256"}, "nothing was added"
    assert (store.missing(8), store.changed(8)) == ([], [])


@pytest.mark.parametrize("replaced", [0, 1, 2])
def test_killed_writer_leaves_growing_shard_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: int
) -> None:
    store = Store(tmp_path, BLANK)
    grow(store, 2)
    left = [replaced]

    def replace(source: Path, target: Path) -> None:
        if Path(target).suffix == ".npy" and not Path(target).name.startswith("."):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
        os.rename(source, target)

    enter = Store._enter

    def die_after_files(self: Store, number: int, shard: Shard) -> None:
        if replaced == 2 and not shard.growing:
            raise KeyboardInterrupt
        enter(self, number, shard)

    with monkeypatch.context() as patched:
        patched.setattr("fwibench.datasets.store.os.replace", replace)
        patched.setattr(Store, "_enter", die_after_files)
        with pytest.raises(KeyboardInterrupt):
            grow(store, 4)
    assert store.changed(2) == []
    assert store.damaged() == []
    np.testing.assert_array_equal(read(store, 2), np.arange(2))
    grow(store, 4)
    np.testing.assert_array_equal(read(store, 4), np.arange(4))
    assert store.damaged() == []


def test_full_disk_raises_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 10))
    with pytest.raises(DataError, match="toy needs .* GB are free"):
        grow(Store(tmp_path, BLANK), 5)
    assert not list(tmp_path.glob("*.npy"))


@pytest.mark.parametrize("content", ["", "{", '{"dataset": "toy"}'])
def test_damaged_manifest_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match="cannot be read as a manifest"):
        Store(tmp_path, BLANK).missing(4)


def test_manifest_of_other_data_raises(tmp_path: Path) -> None:
    grow(Store(tmp_path, BLANK), 4)
    with pytest.raises(DataError, match="describes other data"):
        Store(tmp_path, BLANK.model_copy(update={"fingerprint": "g"})).missing(4)


def test_sharded_array_indexes_like_numpy(tmp_path: Path) -> None:
    store = Store(tmp_path, BLANK)
    grow(store, 11)
    chosen = np.array([10, 0, 7, 3])
    shards = [store.folder / f"data{k}.npy" for k in range(3)]
    array = ShardedArray(shards, (4, 4, 3), (1, 2, 3), chosen)
    assert array.shape == (4, 1, 2, 3)
    np.testing.assert_array_equal(array[:][:, 0, 0, 0], chosen)
    np.testing.assert_array_equal(array[1:3][:, 0, 0, 0], chosen[1:3])
    np.testing.assert_array_equal(array[np.array([3, 0])][:, 0, 0, 0], chosen[[3, 0]])
    assert array[2].shape == (1, 2, 3)
    assert array[2][0, 0, 0] == 7
    assert array[:0].shape == (0, 1, 2, 3)


def test_subset_of_split_is_evenly_spaced(tmp_path: Path) -> None:
    store = Store(tmp_path, BLANK)
    grow(store, 11)
    shards = [store.folder / f"data{k}.npy" for k in range(3)]
    array = ShardedArray(shards, (4, 4, 3), (1, 2, 3), np.arange(1, 11))
    split = Split("test", tuple(f"toy-{i}" for i in range(1, 11)), array, array)
    few = split.spread(4)
    assert few.ids == ("toy-1", "toy-4", "toy-7", "toy-10")
    np.testing.assert_array_equal(few.measurements[:][:, 0, 0, 0], [1, 4, 7, 10])
    assert split.spread(10) is split
