"""Files and options that cannot be added: each error names the fault and the way out."""

import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.user.add import add_dataset
from fwibench.datasets.user.description import read_descriptions
from fwibench.errors import DataError, FwibenchError, UsageError
from tests.datasets.readers.test_readers import write_segy
from tests.datasets.user.arrays import add_options, fill


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
            "--receiver-x gives 30 positions",
        ),
        "count": (
            change("model2.npy", lambda a: a[:3]),
            {},
            "data2.npy holds 4 samples, .*model2.npy holds 3",
            "n samp",
        ),
        "shape": (
            change("data2.npy", lambda a: a[:, :, :20]),
            {},
            "expected the same in all files",
            "separate datasets",
        ),
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
        "infinite": (nothing, {"high": np.inf}, "--high is inf: input should be a finite number", "correct"),
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
def test_bad_input_raises_and_leaves_no_description(name: str, home: Path) -> None:
    spoil, changes, message, hint = bad_fields()[name]
    fill(home)
    spoil(home)  # type: ignore[operator]
    with pytest.raises(FwibenchError, match=message) as wrong:
        add_dataset(add_options(**changes))
    assert hint in wrong.value.hint
    assert read_descriptions() == ([], {})


def test_unequal_shots_and_full_disk_raise(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_segy(home / "shots.sgy", np.ones((5, 20)), 2000, np.array([1, 1, 2, 2, 2]))
    write_segy(home / "vp.sgy", np.ones((10, 6)))
    ours = add_options(measurements="shots.sgy", properties="vp.sgy", dt=None)
    with pytest.raises(DataError, match="have 2 to 3 traces"):
        add_dataset(ours)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 10))
    with pytest.raises(DataError, match="converting needs .* GB are free"):
        add_dataset(ours)


def test_complex_fields_suggest_stacking_parts(home: Path) -> None:
    fill(home)
    np.save(home / "data1.npy", np.zeros((3, 2, 2, 8), complex))
    with pytest.raises(DataError, match="values of type complex128 found") as wrong:
        add_dataset(add_options(kind="em", frequencies="1,2"))
    assert "numpy.stack([u.real, u.imag], axis=3).reshape(len(u), u.shape[1], 4, u.shape[3])" in wrong.value.hint


def test_transposed_axes_suggest_transpose(home: Path) -> None:
    fill(home)
    for k in (1, 2, 10):
        np.save(home / f"data{k}.npy", np.load(home / f"data{k}.npy").transpose(0, 1, 3, 2))
    with pytest.raises(FwibenchError, match="its axes in another order") as wrong:
        add_dataset(add_options(source_x="0,90", receiver_x="0:90:8"))
    assert "array.transpose((0, 1, 3, 2))" in wrong.value.hint


def test_name_that_exists_raises(home: Path) -> None:
    fill(home)
    add_dataset(add_options())
    with pytest.raises(UsageError, match="mine is added already"):
        add_dataset(add_options())
