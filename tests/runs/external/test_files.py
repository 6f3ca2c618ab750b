from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.salt.dataset import PROBLEM
from fwibench.errors import DataError, UsageError
from fwibench.problem import Problem
from fwibench.runs.external import files
from fwibench.runs.external.files import read_given, take_given

SHAPE = PROBLEM.grid.shape
IDS = ["salt-000001", "salt-000004"]


def maps() -> np.ndarray:
    return np.random.default_rng(0).uniform(1500, 4500, (2, 1, *SHAPE)).astype(np.float32)


def write_hdf5(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["velocity"], file["ids"] = maps(), IDS
        file.attrs["fingerprint"] = "abcd" * 16


def write_zarr(path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    group["velocity"], group["ids"] = maps(), np.array(IDS)
    group.attrs["fingerprint"] = "abcd" * 16


WRITERS = {
    "p.npz": lambda path: np.savez(path, maps=maps()[:, 0], ids=np.array(IDS), fingerprint="abcd" * 16),
    "bytes.npz": lambda path: np.savez(path, maps=maps(), ids=np.array(IDS, "S"), fingerprint=b"abcd" * 16),
    "p.h5": write_hdf5,
    "p.zarr": write_zarr,
}


@pytest.mark.parametrize("name", WRITERS)
def test_maps_ids_and_fingerprint_are_read(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    given = read_given(tmp_path / name, PROBLEM)
    np.testing.assert_array_equal(given.maps, maps())
    assert given.ids == tuple(IDS)
    assert given.fingerprint == "abcd" * 16


def test_an_array_alone_has_neither_ids_nor_fingerprint(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", maps().astype(np.float64))
    given = read_given(tmp_path / "p.npy", PROBLEM)
    np.testing.assert_array_equal(given.maps, maps())
    assert (given.maps.dtype, given.ids, given.fingerprint) == (np.float32, None, "")


@pytest.mark.parametrize(("name", "package"), [("p.h5", "h5py"), ("p.zarr", "zarr")])
def test_missing_package_is_an_error_with_the_way_out(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.importlib.util, "find_spec", lambda one: None)
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match=f"needs {package}, which is not installed") as error:
        read_given(tmp_path / name, PROBLEM)
    assert "pip install 'fwibench[" in error.value.hint
    assert "numpy.savez" in error.value.hint


def test_transposed_maps_of_a_wide_section_are_an_error_that_says_so() -> None:
    wide: Problem = PROBLEM.model_copy(update={"grid": PROBLEM.grid.model_copy(update={"nz": 30, "nx": 50})})
    with pytest.raises(DataError, match=r"\(50, 30\) found, expected \(30, 50\) \(depth, x\): they are transposed"):
        take_given(np.zeros((3, 50, 30)), None, "", "p.npy", wide)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 7, 7)), r"shape \(2, 7, 7\) found, expected maps of"),
        (np.zeros((2, *SHAPE), complex), "complex128 found, expected real numbers"),
        (np.full((2, *SHAPE), "fast"), "expected real numbers"),
    ],
)
def test_arrays_that_are_no_maps_are_an_error(array: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        take_given(array, None, "", "p.npy", PROBLEM)


def test_ids_that_are_numbers_or_too_few_are_an_error() -> None:
    with pytest.raises(DataError, match="ids hold int64, expected names"):
        take_given(maps(), np.arange(2), "", "p.npz", PROBLEM)
    with pytest.raises(DataError, match="2 maps and 1 ids"):
        take_given(maps(), IDS[:1], "", "p.npz", PROBLEM)


def test_unreadable_files_are_an_error_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "p.npz").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(DataError, match=r"p\.npz cannot be read as predictions"):
        read_given(tmp_path / "p.npz", PROBLEM)
    with pytest.raises(DataError, match=r"absent\.npy does not exist"):
        read_given(tmp_path / "absent.npy", PROBLEM)
    with pytest.raises(UsageError, match=r"suffix '\.mat', expected \.npy, \.npz, \.h5"):
        read_given(tmp_path / "p.mat", PROBLEM)
