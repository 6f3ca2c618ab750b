import json
import os
import re
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.datasets.user import value_ranges
from fwibench.datasets.user.add import add
from fwibench.datasets.user.dataset import _stamp_of_ends
from fwibench.datasets.user.description import converted_folder, description_path, forget, read_descriptions
from fwibench.datasets.user.number_lists import read_places
from fwibench.datasets.user.options import Addition
from fwibench.errors import DataError, FwibenchError, UsageError
from fwibench.plugins.registry import load_registry
from fwibench.runs.opening.datasets import open_dataset
from tests.conftest import Command
from tests.datasets.readers.test_readers import write_segy

SHAPE = (2, 30, 8)
SECTION = (6, 10)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, and the folder of the user's files as the current one."""
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    (tmp_path / "user").mkdir()
    monkeypatch.chdir(tmp_path / "user")
    return tmp_path / "user"


def fill(folder: Path, counts: tuple[int, ...] = (3, 4, 5), numbers: tuple[int, ...] = (1, 2, 10)) -> None:
    """Shards whose samples hold their number."""
    number = 0
    for k, n in zip(numbers, counts, strict=True):
        measured = np.random.default_rng(k).normal(size=(n, *SHAPE)).astype(np.float32)
        mapped = np.full((n, 1, *SECTION), 2000, np.float32)
        for i in range(n):
            measured[i, 0, 0, 0] = mapped[i, 0, 0, 0] = 1500 + number
            number += 1
        np.save(folder / f"data{k}.npy", measured)
        np.save(folder / f"model{k}.npy", mapped)


def wanted(**changes: object) -> Addition:
    usual = Addition("mine", "data*.npy", "model*.npy", spacing=10.0, dt=1e-3, frequency=15.0)
    return replace(usual, **changes)


def opened(profile: str = "paper") -> Dataset:
    return open_dataset(load_registry(), "mine", profile)


def everything(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    parts = [dataset.split("random", name) for name in ("train", "val", "test")]
    return tuple(np.concatenate([getattr(part, side)[:] for part in parts]) for side in ("measurements", "properties"))


def test_added_arrays_are_read_in_place_paired_and_split(home: Path) -> None:
    fill(home)
    found = add(wanted(val=2, test=0.25, licence="CC0"))
    dataset = opened()
    assert dataset.source == "files"
    assert dataset.spec.licence == "CC0"
    assert dataset.prepared()
    assert dataset.missing_bytes() == 0
    assert dataset.folder == home
    assert dataset.problem.measurement_shape == SHAPE
    assert {name: len(part) for name, part in dataset.indices("random").items()} == {"train": 7, "val": 2, "test": 3}
    measured, mapped = everything(dataset)
    np.testing.assert_array_equal(measured[:, 0, 0, 0], mapped[:, 0, 0, 0])
    np.testing.assert_array_equal(np.sort(mapped[:, 0, 0, 0]), 1500 + np.arange(12))
    assert (dataset.problem.property.low, dataset.problem.property.high) == (1500, 2000)
    assert (dataset.problem.amplitude.low, dataset.problem.amplitude.high) == (measured.min(), measured.max())
    assert found.amplitude.read == found.property.read == 12
    assert dataset.verify() == []
    assert not converted_folder("mine").exists(), "nothing is copied"


def test_shapes_without_axes_of_length_1_and_other_numbers_are_fine(home: Path) -> None:
    fill(home)
    add(wanted())
    expected = everything(opened())
    forget("mine")
    for k in (1, 2, 10):
        np.save(home / f"data{k}.npy", np.load(home / f"data{k}.npy").astype(np.float64))
        np.save(home / f"model{k}.npy", np.asfortranarray(np.load(home / f"model{k}.npy")[:, 0].astype(np.int32)))
    add(wanted())
    for old, new in zip(expected, everything(opened()), strict=True):
        np.testing.assert_array_equal(old, new)


def test_one_sample_a_file_even_in_more_files_than_are_kept_open(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fwibench.samples.OPEN_SHARDS", 3)
    for i in range(10):
        np.save(home / f"data{i}.npy", np.full(SHAPE, i, np.float32))
        np.save(home / f"model{i}.npy", np.full(SECTION, 1500 + i, np.float32))
    add(wanted())
    measured, mapped = everything(opened())
    np.testing.assert_array_equal(measured[:, 1, 2, 3] + 1500, mapped[:, 0, 3, 4])
    np.testing.assert_array_equal(np.sort(measured[:, 0, 0, 0]), np.arange(10))


def test_a_smaller_profile_takes_some_of_each_split(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(home, (30, 30, 30))
    add(wanted())
    monkeypatch.setattr("fwibench.datasets.user.dataset.LIMITS", {"smoke": 20})
    smoke, paper = opened("smoke"), opened("paper")
    assert smoke.size == sum(map(len, smoke.indices("random").values())) == 20
    for name, part in paper.indices("random").items():
        assert set(smoke.indices("random")[name]) < set(part)
    assert smoke.fingerprint != paper.fingerprint


def test_identity_is_what_the_files_hold_not_where(home: Path, tmp_path: Path) -> None:
    fill(home)
    add(wanted())
    first = opened().fingerprint
    forget("mine")
    home.rename(tmp_path / "moved")
    add(wanted(measurements=str(tmp_path / "moved/data*.npy"), properties=str(tmp_path / "moved/model*.npy")))
    assert opened().fingerprint == first
    forget("mine")
    add(wanted(measurements=str(tmp_path / "moved/data*.npy"), properties=str(tmp_path / "moved/model*.npy"), test=3))
    assert opened().fingerprint != first


def test_files_that_change_later_are_found(home: Path) -> None:
    fill(home)
    add(wanted())
    array = np.load(home / "model2.npy")
    np.save(home / "model2.npy", array + 1)
    (home / "data1.npy").unlink()
    dataset = opened()
    assert not dataset.prepared()
    with pytest.raises(DataError, match=r"data1.npy is missing; .*model2.npy was changed after it was added") as wrong:
        dataset.fingerprint  # noqa: B018
    assert "fwibench data remove mine" in wrong.value.hint
    assert len(dataset.verify()) == 2


def test_verify_reads_what_add_did_not(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(home, (20, 20, 20))
    monkeypatch.setattr(value_ranges, "READ_BYTES", 3 * 4 * int(np.prod(SHAPE)))
    array = np.load(home / "data10.npy")
    array[7, 0, 0, 0] = np.nan
    np.save(home / "data10.npy", array)
    found = add(wanted())
    assert (found.amplitude.read, found.property.read) == (3, 60)
    (fault,) = opened().verify()
    assert "data10.npy, sample 7: values are NaN or infinite, 1 of 9600 in all" in fault
    with pytest.raises(DataError, match="data10.npy, sample 7"):
        opened().split("random", "test")


def test_a_change_in_the_middle_of_a_file_is_found(home: Path) -> None:
    fill(home, (300, 4, 5))
    add(wanted())
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


def test_descriptions_of_earlier_versions_are_read_and_get_a_fingerprint_of_the_whole_file(home: Path) -> None:
    fill(home)
    add(wanted())
    path = description_path("mine")
    content = json.loads(path.read_text())
    content["stamps"] = [_stamp_of_ends(Path(name)) for name in content["measurements"] + content["properties"]]
    before = opened().fingerprint
    path.write_text(json.dumps(content))
    assert opened().fingerprint == before
    assert opened().verify() == []


def test_a_description_with_infinite_bounds_is_told(home: Path, fwibench: Command) -> None:
    fill(home)
    add(wanted())
    path = description_path("mine")
    text = path.read_text()
    for value in ("NaN", "null", "Infinity"):
        path.write_text(re.sub(r'"high": ?[-0-9.e]+', f'"high": {value}', text))
        assert list(read_descriptions()[1]) == [path]
    done = fwibench("info", "mine")
    assert done.returncode == 2
    assert "added dataset mine is skipped" in done.stderr
    assert "fwibench data remove mine" in done.stderr


def bad_fields() -> dict[str, tuple[object, dict[str, object], str, str]]:
    """What is done to the files, what the user says, and what is answered."""

    def change(name: str, how: object) -> object:
        return lambda home: np.save(home / name, how(np.load(home / name)))  # type: ignore[operator]

    def nothing(home: Path) -> None:
        pass

    def cut(home: Path) -> None:
        (home / "data2.npy").write_bytes((home / "data2.npy").read_bytes()[:-100])

    def nan(array: np.ndarray) -> np.ndarray:
        array[1, 0, 2, 3] = np.nan
        return array

    def pickled(home: Path) -> None:
        np.save(home / "model1.npy", np.array([{}] * 3), allow_pickle=True)

    def swap(home: Path) -> None:
        for k in (1, 2, 10):
            change(f"model{k}.npy", lambda a: a.swapaxes(2, 3))(home)  # type: ignore[operator]

    def kilometres(home: Path) -> None:
        for k in (1, 2, 10):
            change(f"model{k}.npy", lambda a: a / 1000)(home)  # type: ignore[operator]

    def dead(home: Path) -> None:
        for k in (1, 2, 10):
            change(f"data{k}.npy", lambda a: a * 0)(home)  # type: ignore[operator]

    ends = {"receiver_x": "0:90:8", "source_x": "0,90"}
    return {
        "truncated": (cut, {}, "data2.npy is not a whole .npy file", "compare its size"),
        "complex": (change("data1.npy", lambda a: a * 1j), {}, "values of type complex64 found", "array.real"),
        "pickled": (pickled, {}, "model1.npy holds Python objects", "numpy.stack"),
        "nan": (change("model2.npy", nan), {}, "property of sample 4 .* holds NaN", "repair"),
        "swapped maps": (swap, ends, r"--source-x reaches from 0 to 90 m, the section from 0 to 50 m", "depth first"),
        "swapped data": (
            nothing,
            {"receiver_x": "0:90:30"},
            "8 receivers instead of 30",
            "--receiver-x gives 30 places",
        ),
        "count": (
            change("model2.npy", lambda a: a[:3]),
            {},
            "data2.npy holds 4 samples, .*model2.npy holds 3",
            "n samp",
        ),
        "shape": (change("data2.npy", lambda a: a[:, :, :20]), {}, "expected the same in all files", "of their own"),
        "layout": (change("model1.npy", lambda a: a[:, 0, 0, 0]), {}, r"shape \(3,\) found", "measurements are"),
        "files": (lambda home: (home / "model1.npy").unlink(), {}, "3 files of measurements .* 2 of prop", "narrow"),
        "partner": (
            lambda home: (home / "model2.npy").rename(home / "model3.npy"),
            {},
            "no partner for data2.npy, model3.npy",
            "numbers in their names",
        ),
        "nothing": (nothing, {"measurements": "seis*.npy"}, "no file fits --measurements 'seis", "quote"),
        "same files": (nothing, {"properties": "data*.npy"}, "is among measurements and properties", "narrow"),
        "mixed": (lambda home: (home / "datax.mat").touch(), {"measurements": "data*"}, "finds .mat, .npy", "narrow"),
        "km/s": (kilometres, {}, "probably in km/s", "--unit km/s"),
        "m/s": (nothing, {"unit": "km/s"}, "probably in m/s", "--unit m/s"),
        "dead": (dead, {}, "every measurement is 0 everywhere", "right files"),
        "bounds": (nothing, {"high": 1900.0}, "1500 to 2000 m/s in the files, .* allow 1500 to 1900", "widen"),
        "split": (nothing, {"val": 6, "test": 6}, "6 val and 6 test samples of 12", "--val 0 --test 12"),
        "spacing": (nothing, {"spacing": -1.0}, "spacing is -1.0: input should be greater than 0", "correct"),
        "frequency": (nothing, {"frequency": 0.0}, "--frequency is 0 Hz", ""),
        "milliseconds": (
            nothing,
            {"dt": 1.0},
            "15 Hz lies above 0.5 Hz, the Nyquist",
            "in milliseconds it is --dt 0.001",
        ),
        "seconds": (
            nothing,
            {"dt": 1e-6},
            "takes 6.67e.04 samples of one period",
            "in milliseconds --dt 0.001 is meant",
        ),
        "hours": (nothing, {"dt": 150.0, "frequency": 1e-3}, "records of 1.25 hours", "--dt is in s"),
        "late": (nothing, {"delay": 72.0}, "peaks at 72 s, after the end of the record at 0.03 s", "--delay is in s"),
        "early": (nothing, {"delay": -0.01}, "--delay is -0.01 s", "time 0"),
        "kilometres": (nothing, {"spacing": 0.01}, "makes a section of 0.09 x 0.05 m", "in kilometres --spacing 10"),
        "millimetres": (
            nothing,
            {"spacing": 10000.0},
            "more than 10 of the longest wavelengths",
            "in millimetres --spacing 10",
        ),
        "depth": (
            nothing,
            {"depth": 60.0},
            "the depth of a source is 60 m, the section reaches from 0 to 50 m",
            "down",
        ),
        "receivers": (nothing, {"receiver_depth": -5.0}, "the depth of a receiver is -5 m", "positive downwards"),
        "infinite": (nothing, {"high": np.inf}, "--high is inf, expected a finite number", "correct"),
        "not a number": (nothing, {"val": np.nan}, "--val is nan", "correct"),
        "infinite place": (
            nothing,
            {"source_x": "0,inf"},
            "--source-x is '0,inf', expected finite numbers",
            "write --source-x",
        ),
        "no velocity": (change("model2.npy", lambda a: a - 2000), {}, "expected values above 0", "fill or remove"),
        "order": (nothing, {"order": 5}, "--order is 5, expected 2, 4, 6 or 8", ""),
        "courant": (nothing, {"courant": 0.9}, "less than 0.866, where order 4 becomes unstable", "0.6"),
        "no wavelet": (nothing, {"frequency": None, "wavelet": "w.npy"}, "'w.npy' cannot be read: w.npy does not", ""),
        "two wavelets": (nothing, {"wavelet": "w.npy"}, "--frequency and --wavelet are both given", "leave one"),
        "half a sample": (nothing, {"test": 2.5}, "--test is 2.5, expected a share below 1 or a whole number", "20"),
        "a number": (nothing, {"test_numbers": "3,12"}, "expected numbers from 0 to 11", "count from 0"),
        "two tests": (nothing, {"test_numbers": "3", "test": 2}, "--test and --test-numbers are both given", "one"),
        "falling": (
            nothing,
            {"kind": "em", "frequencies": ",".join(map(str, range(15, 0, -1)))},
            "expected positive numbers .Hz. that rise",
            "from low to high",
        ),
        "places": (nothing, {"source_x": "0;90"}, "--source-x is '0;90', expected finite numbers", ""),
        "a kind": (
            nothing,
            {"kind": "em", "frequencies": "1,2"},
            "30 rows instead of 4",
            "2 frequencies need 4 rows of real",
        ),
    }


@pytest.mark.parametrize("name", bad_fields())
def test_bad_input_is_explained_and_leaves_nothing(name: str, home: Path) -> None:
    spoil, changes, message, hint = bad_fields()[name]
    fill(home)
    spoil(home)  # type: ignore[operator]
    with pytest.raises(FwibenchError, match=message) as wrong:
        add(wanted(**changes))
    assert hint in wrong.value.hint
    assert read_descriptions() == ([], {})


def test_kilometres_are_taken_as_stated(home: Path) -> None:
    fill(home)
    for k in (1, 2, 10):
        np.save(home / f"model{k}.npy", np.load(home / f"model{k}.npy") / 1000)
    found = add(wanted(unit="km/s"))
    assert found.description.problem.property.unit == "km/s"
    assert found.description.problem.physics is None


def test_electromagnetic_data(home: Path) -> None:
    fill(home)
    found = add(wanted(kind="em", frequencies=",".join(map(str, range(1, 16))), property="conductivity", unit="S/m"))
    assert found.description.spec().measurements == "em"
    assert opened().problem.measurement_shape == SHAPE


def test_segy_is_converted(home: Path) -> None:
    rng = np.random.default_rng(0)
    shots = rng.normal(size=(4, 3, 5, 20)).astype(np.float32)  # files, shots, receivers, time
    sections = rng.uniform(1500, 4500, (4, 6, 10)).astype(np.float32)
    for i in range(4):
        write_segy(home / f"shots{i}.sgy", shots[i].reshape(15, 20), 2000, np.repeat([7, 8, 9], 5))
        write_segy(home / f"vp{i}.segy", sections[i].T)
    found = add(wanted(measurements="shots*.sgy", properties="vp*.segy", dt=None))
    survey = found.description.problem.survey
    assert survey.shape == (3, 20, 5)
    assert survey.dt == 0.002
    measured, mapped = everything(opened())
    order = np.concatenate([opened().indices("random")[name] for name in ("train", "val", "test")])
    np.testing.assert_array_equal(measured, shots.transpose(0, 1, 3, 2)[order])
    np.testing.assert_array_equal(mapped[:, 0], sections[order])
    assert forget("mine")
    assert not converted_folder("mine").exists()
    assert (home / "shots0.sgy").exists()
    with pytest.raises(DataError, match=r"--dt is 0.001 s, the files say 0.002 s"):
        add(wanted(measurements="shots*.sgy", properties="vp*.segy"))
    assert not converted_folder("mine").exists(), "what was converted in vain is gone"


def test_shots_of_unequal_length_and_a_full_disk_are_errors(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_segy(home / "shots.sgy", np.ones((5, 20)), 2000, np.array([1, 1, 2, 2, 2]))
    write_segy(home / "vp.sgy", np.ones((10, 6)))
    ours = wanted(measurements="shots.sgy", properties="vp.sgy", dt=None)
    with pytest.raises(DataError, match="have 2 to 3 traces"):
        add(ours)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 10))
    with pytest.raises(DataError, match="converting needs .* GB are free"):
        add(ours)


def test_a_damaged_description_costs_itself_alone(home: Path) -> None:
    fill(home)
    add(wanted())
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


def test_a_name_is_added_once(home: Path) -> None:
    fill(home)
    add(wanted())
    with pytest.raises(UsageError, match="mine is added already"):
        add(wanted())


@pytest.mark.parametrize(("text", "places"), [("0,5,20", [0, 5, 20]), ("0:90:4", [0, 30, 60, 90]), ("7", [7])])
def test_places(text: str, places: list[float]) -> None:
    assert read_places(text, "source") == places
    for wrong in ("a", "0:9", "0:9:x", ""):
        with pytest.raises(UsageError):
            read_places(wrong, "source")


@pytest.mark.parametrize(
    ("shape", "maps", "counts", "survey", "note"),
    [
        ((12, 30, 8), (12, *SECTION), (12,), (1, 30, 8), "12 samples of one source, .* has 12 maps"),
        ((5, 30, 8), SECTION, (1,), (5, 30, 8), "one sample of 5 sources, .* has 1 map"),
        ((30, 8), SECTION, (1,), (1, 30, 8), "one sample of one source"),
        ((12, 2, 30, 8), (12, *SECTION), (12,), (2, 30, 8), ""),
    ],
)
def test_shapes_without_all_axes_are_read_by_the_number_of_maps_and_told(
    shape: tuple[int, ...],
    maps: tuple[int, ...],
    counts: tuple[int, ...],
    survey: tuple[int, ...],
    note: str,
    home: Path,
) -> None:
    rng = np.random.default_rng(0)
    measured = rng.normal(size=shape).astype(np.float32)
    np.save(home / "data.npy", measured)
    np.save(home / "model.npy", rng.uniform(1500, 4500, maps).astype(np.float32))
    found = add(wanted(measurements="data.npy", properties="model.npy"))
    assert (found.description.counts, found.description.problem.survey.shape) == (counts, survey)
    assert bool(note) == any("is taken as" in one for one in found.notes)
    assert re.search(note, " ".join(found.notes))
    measured = measured.reshape(-1, *survey)
    split = opened().indices("random")
    order = np.concatenate([split[name] for name in ("train", "val", "test") if len(split[name])])
    parts = [opened().split("random", name).measurements[:] for name in ("train", "val", "test") if len(split[name])]
    np.testing.assert_array_equal(np.concatenate(parts), measured[order])


def test_complex_fields_get_the_advice_of_their_kind(home: Path) -> None:
    fill(home)
    np.save(home / "data1.npy", np.zeros((3, 2, 2, 8), complex))
    with pytest.raises(DataError, match="values of type complex128 found") as wrong:
        add(wanted(kind="em", frequencies="1,2"))
    assert "numpy.stack([u.real, u.imag], axis=3).reshape(len(u), u.shape[1], 4, u.shape[3])" in wrong.value.hint


def test_the_order_of_axes_that_fits_the_options_is_named(home: Path) -> None:
    fill(home)
    for k in (1, 2, 10):
        np.save(home / f"data{k}.npy", np.load(home / f"data{k}.npy").transpose(0, 1, 3, 2))
    with pytest.raises(FwibenchError, match="its axes in another order") as wrong:
        add(wanted(source_x="0,90", receiver_x="0:90:8"))
    assert "array.transpose((0, 1, 3, 2))" in wrong.value.hint
