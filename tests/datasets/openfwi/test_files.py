import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib.format import open_memmap

from fwibench.datasets import files as files_module
from fwibench.datasets.files import FilesDataset
from fwibench.datasets.value_checks import extremes
from fwibench.errors import DataError, UsageError
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import make_plan
from tests.datasets.openfwi.shards import shard, write
from tests.test_file_states import settle


@pytest.fixture
def flatvel(tmp_path: Path) -> Path:
    """A folder with a train and a test shard, three samples each."""
    folder = tmp_path / "FlatVel_A"
    shard(folder, "data1.npy", "model1.npy")
    shard(folder, "data60.npy", "model60.npy")
    return folder


@pytest.fixture
def opened(registry: Registry) -> Any:
    def open_it(path: Path, name: str = "flatvel-a", profile: Any = "quick", **options: object) -> FilesDataset:
        texts = {key: str(value) for key, value in {"path": path, **options}.items()}
        return open_dataset(registry, name, profile, texts)

    return open_it


def fault_of(dataset: FilesDataset) -> DataError:
    with pytest.raises(DataError) as found:
        dataset.arrays()
    return found.value


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("flatvel-a", ["data1.npy model1.npy", "data60.npy model60.npy"]),
        ("style-b", ["data/data120.npy model/model120.npy", "data/data121.npy model/model121.npy"]),
        ("flatfault-a", ["seis4_1_31.npy vel4_1_31.npy", "seis2_1_32.npy vel2_1_32.npy"]),
        ("curvefault-b", ["seis8_1_31.npy vel8_1_31.npy", "seis6_1_32.npy vel6_1_32.npy"]),
    ],
)
def test_originals_are_read_in_place(opened: Any, tmp_path: Path, name: str, files: list[str]) -> None:
    for pair in files:
        shard(tmp_path, *pair.split())
    test_file = tmp_path / files[1].split()[0]
    open_memmap(test_file)[1, 2, 3, 4] = 7.0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    dataset = opened(tmp_path, name)
    assert dataset.source == "files"
    dataset.prepare()
    test = dataset.split("random", "test")
    assert test.measurements.shape == (3, 5, 1000, 70)
    assert test.measurements[1][2, 3, 4] == 7.0
    assert test.properties[:].min() == 2000.0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert dataset.folder == tmp_path
    assert dataset.missing_bytes() == 0


def test_val_is_taken_from_train_and_test_is_complete(opened: Any, tmp_path: Path) -> None:
    shard(tmp_path, "data1.npy", "model1.npy", n=36)
    shard(tmp_path, "data2.npy", "model2.npy", n=24)
    shard(tmp_path, "data49.npy", "model49.npy", n=7)
    complete = opened(tmp_path, profile="smoke", protocol="openfwi")
    sizes = {name: len(part) for name, part in complete.indices("random").items()}
    assert sizes == {"train": 55, "val": 5, "test": 7}
    ours = opened(tmp_path, profile="smoke")
    parts = ours.indices("random")
    assert [len(part) for part in parts.values()] == [20, 3, 3]
    assert not set(parts["train"]) & set(parts["val"])
    assert max(parts["train"].max(), parts["val"].max()) < 60 <= parts["test"].min()
    assert ours.size == 26
    assert ours.fingerprint != complete.fingerprint
    assert sum(map(len, opened(tmp_path, profile="paper").indices("random").values())) == 67


def test_fingerprint_depends_on_content_not_path(opened: Any, flatvel: Path, tmp_path: Path) -> None:
    first = opened(flatvel).fingerprint
    moved = shutil.copytree(flatvel, tmp_path / "elsewhere")
    assert opened(moved).fingerprint == first
    open_memmap(moved / "model60.npy")[-1, 0, -1, -1] = 2001.0
    assert opened(moved).fingerprint != first


@pytest.mark.parametrize("end", ["\n", "", "\r\n", "\n\n"])
@pytest.mark.parametrize("labels", [True, False])
def test_lists_are_read_with_or_without_last_newline(opened: Any, flatvel: Path, end: str, labels: bool) -> None:
    for split, k in (("train", 1), ("test", 60)):
        line = f"data{k}.npy\tmodel{k}.npy" if labels else str(flatvel / f"data{k}.npy")
        (flatvel / f"{split}.txt").write_bytes(f"{line}{end}".encode())
    dataset = opened(flatvel / "train.txt", test=flatvel / "test.txt")
    assert [path.name for path in dataset.arrays().properties] == ["model1.npy", "model60.npy"]
    assert list(dataset.indices("random")["test"]) == [3, 4, 5]


def test_unusable_lists_of_files_raise(opened: Any, flatvel: Path) -> None:
    train, test = flatvel / "train.txt", flatvel / "test.txt"
    train.write_text("data1.npy\tmodel1.npy")
    with pytest.raises(UsageError, match="test is not given"):
        opened(train).arrays()
    with pytest.raises(UsageError, match="is a folder"):
        opened(flatvel, test=train).arrays()
    with pytest.raises(DataError, match=r"nowhere.txt cannot be read"):
        opened(flatvel / "nowhere.txt").arrays()
    with pytest.raises(DataError, match=r"test.txt cannot be read"):
        opened(train, test=test).arrays()
    test.write_text("data60.npy\tmodel60.npy\n/projects/data61.npy\tmodel61.npy")
    with pytest.raises(DataError, match=r"test.txt, line 2: .projects.data61.npy does not exist"):
        opened(train, test=test).arrays()
    test.write_text("data60.npy\tmodel61.npy\ndata61.npy\tmodel60.npy")
    for name in ("data", "model"):
        (flatvel / f"{name}61.npy").write_bytes((flatvel / f"{name}60.npy").read_bytes())
    with pytest.raises(DataError, match=r"pairs data60.npy with model61.npy, but lists model60.npy too") as wrong:
        opened(train, test=test).arrays()
    assert "sort both columns" in wrong.value.hint
    test.write_text("\n")
    with pytest.raises(DataError, match="lists no file"):
        opened(train, test=test).arrays()
    test.write_text("data1.npy\tmodel1.npy\n")
    with pytest.raises(DataError, match="is listed in .*train.txt and in .*test.txt"):
        opened(train, test=test).arrays()
    with pytest.raises(DataError, match="cannot be read as a list"):
        opened(flatvel / "data1.npy", test=train).arrays()


def test_shard_without_partner_raises(opened: Any, flatvel: Path) -> None:
    (flatvel / "model60.npy").unlink()
    error = fault_of(opened(flatvel))
    assert "data60.npy has no model60.npy" in error.message
    assert "download model60.npy" in error.hint


def test_folder_without_split_raises(opened: Any, flatvel: Path, tmp_path: Path) -> None:
    assert "no train shard of flatfault-a, expected some of seis2_1_0.npy to seis4_1_31.npy; it holds data1.npy" in (
        fault_of(opened(flatvel, "flatfault-a")).message
    )
    (flatvel / "data60.npy").unlink()
    assert "no test shard of flatvel-a, expected some of data49.npy to data60.npy" in fault_of(opened(flatvel)).message
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no train shard" in fault_of(opened(empty)).message


def test_two_families_in_one_folder_raise(opened: Any, flatvel: Path) -> None:
    shard(flatvel / "B", "data1.npy", "model1.npy")
    assert "data1.npy is in" in fault_of(opened(flatvel)).message


@pytest.mark.parametrize(
    ("file", "shape", "dtype", "message", "hint"),
    [
        ("data1.npy", (3, 5, 70, 1000), "<f4", r"expected (n, 5, 1000, 70)", "array.transpose((0, 1, 3, 2))"),
        ("data1.npy", (5, 1000, 70), "<f4", r"expected (n, 5, 1000, 70)", "array[None]"),
        ("data1.npy", (3, 5, 1000, 69), "<f4", r"has shape (3, 5, 1000, 69)", "another survey"),
        ("data1.npy", (4, 5, 1000, 70), "<f4", "has 4 samples", "do not belong together"),
        ("data1.npy", (0, 5, 1000, 70), "<f4", "has no samples", ""),
        ("data1.npy", (3, 5, 1000, 70), "<i2", "holds int16", "astype"),
        ("model1.npy", (3, 70, 1, 70), "<f4", "expected (n, 1, 70, 70) or (n, 70, 70)", "array.transpose"),
        ("model1.npy", (3, 1, 71, 70), "<f4", "has shape (3, 1, 71, 70)", "another survey"),
        ("model1.npy", (3, 1, 70, 70), "<c8", "holds complex64", "astype"),
    ],
)
def test_unfit_arrays_raise(
    opened: Any, flatvel: Path, file: str, shape: tuple[int, ...], dtype: str, message: str, hint: str
) -> None:
    write(flatvel / file, shape, dtype)
    error = fault_of(opened(flatvel))
    assert str(flatvel) in error.message
    assert message in error.message
    assert hint in error.hint


def test_maps_without_channel_axis_and_float64_are_read(opened: Any, flatvel: Path) -> None:
    write(flatvel / "model1.npy", (3, 70, 70), "<f8", 2500.0)
    train = opened(flatvel).split("random", "train")
    assert train.properties[:].shape == (2, 1, 70, 70)
    assert train.properties[:].dtype == np.float32


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("cut", "is not a whole .npy file"),
        ("empty", "is no .npy file"),
        ("page", "is no .npy file"),
        ("archive", "is an archive"),
    ],
)
def test_damaged_file_is_named(opened: Any, flatvel: Path, content: str, message: str) -> None:
    path = flatvel / "data1.npy"
    if content == "cut":
        with path.open("r+b") as stream:
            stream.truncate(path.stat().st_size // 2)
    elif content == "archive":
        with path.open("wb") as stream:
            np.savez(stream, np.zeros(3))
    else:
        path.write_bytes(b"" if content == "empty" else b"<html>please log in</html>")
    assert f"{path} {message}" in fault_of(opened(flatvel)).message


def test_verify_finds_bad_values(opened: Any, flatvel: Path) -> None:
    open_memmap(flatvel / "data1.npy")[1:, 0, 5, 5] = np.nan
    open_memmap(flatvel / "model60.npy")[2] = 2.5
    bad, slow = opened(flatvel).verify()
    assert bad == f"{flatvel / 'data1.npy'}, sample 1: values are NaN or infinite, 2 of 1050000 in all (" + (
        "get the file again, or remove it and its partner)"
    )
    assert slow == (
        f"{flatvel / 'model60.npy'}: 4900 of 14700 values lie outside the bounds; sample 2 holds velocity 2.5 to "
        "2.5, expected 1500 to 4500 m/s (these look like km/s: multiply by 1000)"
    )


def refusal(dataset: FilesDataset) -> DataError:
    """The same error whether a dataset is prepared, planned for or opened."""
    errors = []
    for use in (dataset.prepare, lambda: dataset.fingerprint, lambda: dataset.split("random", "test")):
        with pytest.raises(DataError) as found:
            use()
        errors.append(found.value)
    assert len({error.message for error in errors}) == 1
    return errors[0]


@pytest.mark.parametrize(
    ("file", "change", "message", "hint"),
    [
        ("model1.npy", lambda a: a / 1000, "14700 of 14700 .* sample 0 holds velocity 2 to 2, expected 1500", "km/s"),
        ("model60.npy", lambda a: a * 1000, "14700 of 14700 .* sample 0 holds velocity 2e\\+06", "0.001"),
        ("model60.npy", lambda a: a + 5000, "sample 0 holds velocity 7000 to 7000", "another property"),
        ("data1.npy", lambda a: np.where(np.arange(70) == 3, np.nan, a), "data1.npy, sample 0: .* 15000 of", "again"),
        ("data60.npy", lambda a: np.where(np.arange(70) == 3, np.inf, a), "data60.npy, sample 0: .* 15000 of", "again"),
        ("model1.npy", lambda a: np.where(np.arange(70) == 3, np.nan, a), "model1.npy, sample 0: .* 210 of", "again"),
    ],
    ids=["km", "mm", "another property", "nan", "infinite", "nan in maps"],
)
def test_shards_with_wrong_values_raise(
    opened: Any, flatvel: Path, file: str, change: Any, message: str, hint: str
) -> None:
    np.save(flatvel / file, change(np.load(flatvel / file)).astype(np.float32))
    error = refusal(opened(flatvel))
    assert re.search(message, error.message), error.message
    assert hint in error.hint


def test_shards_are_read_once_per_state(opened: Any, flatvel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    read: list[str] = []
    monkeypatch.setattr(files_module, "extremes", lambda path: read.append(path.name) or extremes(path))
    opened(flatvel).prepare()
    assert sorted(read) == ["data1.npy", "data60.npy", "model1.npy", "model60.npy"]
    opened(flatvel).split("random", "test")
    opened(flatvel).doubts()
    assert len(read) == 4, "nothing changed"
    open_memmap(flatvel / "data60.npy")[1, 2, 500, 35] = np.nan
    assert "data60.npy, sample 1" in refusal(opened(flatvel)).message


def test_suspicious_records_are_doubted(opened: Any, flatvel: Path) -> None:
    open_memmap(flatvel / "data60.npy")[:] = np.float32(0.01)
    open_memmap(flatvel / "model60.npy")[:] = np.linspace(1500, 4500, 70, dtype=np.float32)
    zeros, small, turned = opened(flatvel).doubts()
    assert zeros == f"every value of {flatvel / 'data1.npy'} is 0"
    assert small.startswith(f"the largest amplitude of {flatvel / 'data60.npy'} is 0.01, expected about 52.8")
    assert "may have x first" in turned


def test_published_arrays_give_no_doubts(opened: Any, flatvel: Path, real_data: Path) -> None:
    maps = np.load(real_data / "openfwi_flatvel_a_vel_100.npy")
    records = np.stack([np.load(real_data / "pair_openfwi_cf0_seis.npy").reshape(5, 1000, 70)] * 3)
    for k in (1, 60):
        np.save(flatvel / f"data{k}.npy", records)
        np.save(flatvel / f"model{k}.npy", maps[k - 1 : k + 2])
    dataset = opened(flatvel)
    dataset.prepare()
    assert dataset.doubts() == []
    for k in (1, 60):
        np.save(flatvel / f"model{k}.npy", maps[k - 1 : k + 2].swapaxes(2, 3))
    assert "x first" in opened(flatvel).doubts()[0]


def test_samples_are_reproduced_by_simulation(opened: Any, registry: Registry, flatvel: Path) -> None:
    """The first shard holds what its maps give but for the zero that ends OpenFWI's records; the other does not."""
    measurement, velocity = next(open_dataset(registry, "flatvel-a", "smoke").samples(range(1)))
    measurement[:, -1] = 0
    for shard_name in ("data1.npy", "data60.npy"):
        open_memmap(flatvel / shard_name)[:] = measurement
    open_memmap(flatvel / "model1.npy")[:] = velocity
    dataset = opened(flatvel)
    found = dataset.check_physics()
    assert [one.residual <= dataset.tolerance for one in found] == [True] * 3 + [False] * 3
    assert found[0].scale == pytest.approx(1, abs=1e-3)


def test_command_line_accepts_path(fwibench: Any, flatvel: Path, tmp_path: Path) -> None:
    done = fwibench("run", "--methods", "mean-map", "--dataset", f"flatvel-a[path={flatvel}]", "--profile", "smoke")
    assert done.returncode == 0, done.stderr
    (record,) = tmp_path.rglob("record.json")
    assert json.loads(record.read_text())["status"] == "ok"
    refused = fwibench("data", "verify", f"flatvel-a[path={flatvel / 'nowhere'}]")
    assert refused.returncode != 0
    assert "cannot be read" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("dataset", ["flatvel-a", "marmousi", "salt"])
def test_unreadable_path_does_not_blame_plugin(registry: Registry, dataset: str) -> None:
    request = read_request(registry, "mean-map", f"{dataset}[path={'a' * 300}]", profile="smoke")
    with pytest.raises(DataError, match=f"'{dataset}' cannot be opened: .*name too long") as caught:
        make_plan(request, registry)
    assert "author" not in (caught.value.hint or "")
