import sys
from pathlib import Path

import numpy as np
import pytest
import segyio
from scipy.io import savemat

from fwibench.datasets.readers import ExpectedMaps, read_maps
from fwibench.errors import DataError
from fwibench.problem import Property

SHAPE = (4, 6)
VELOCITY = Property(name="velocity", unit="m/s", low=1500.0, high=4500.0)
WANTED = ExpectedMaps(shapes=(SHAPE,), bounds=VELOCITY)
MAPS = np.random.default_rng(0).uniform(1500, 4500, (3, *SHAPE)).astype(np.float32)


def write_segy(path: Path, traces: np.ndarray, step_us: int = 1000, records: np.ndarray | None = None) -> None:
    """Traces `(traces, samples)`."""
    spec = segyio.spec()
    spec.format = 5
    spec.samples = np.arange(traces.shape[1]) * step_us / 1000
    spec.tracecount = len(traces)
    with segyio.create(path, spec) as file:
        file.bin.update({segyio.BinField.Interval: step_us})
        for i, trace in enumerate(traces):
            file.header[i] = {segyio.TraceField.FieldRecord: 1 if records is None else int(records[i])}
            file.trace[i] = np.ascontiguousarray(trace, np.float32)


def write(path: Path, maps: np.ndarray) -> None:
    if path.suffix == ".npy":
        np.save(path, maps)
    elif path.suffix == ".npz":
        np.savez(path, label=maps, other=np.zeros(3))
    elif path.suffix == ".bin":
        maps.astype("<f4").tofile(path)
    elif path.suffix == ".mat":
        savemat(path, {"svmodel": maps, "dh": 10.0})
    else:
        write_segy(path, maps.T)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".bin", ".mat", ".segy", ".SGY"])
def test_all_formats_give_same_maps_in_natural_order(suffix: str, tmp_path: Path) -> None:
    for name, one in zip(("model10", "model2", "model1"), MAPS[::-1], strict=True):
        write(tmp_path / f"{name}{suffix}", one)
    maps = read_maps(tmp_path, WANTED)
    assert [file.stem for file in maps.files] == ["model1", "model2", "model10"]
    assert len(maps) == 3
    assert maps[0].shape == (1, *SHAPE)
    assert maps[0].dtype == np.float32
    np.testing.assert_array_equal(np.concatenate(list(maps)), MAPS)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".bin", ".mat"])
def test_files_hold_many_maps_and_are_transposed(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"maps{suffix}"
    write(path, MAPS.transpose(0, 2, 1))
    maps = read_maps(path, ExpectedMaps(shapes=(SHAPE,), axes="xz", bounds=VELOCITY))
    np.testing.assert_array_equal(np.concatenate(list(maps)), MAPS)


def test_integers_and_channel_axis_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", MAPS[:, None].astype(np.int16))
    np.testing.assert_array_equal(read_maps(tmp_path / "a.npy", WANTED)[2][0], np.trunc(MAPS[2]))


def test_only_last_file_is_held_in_memory(tmp_path: Path) -> None:
    for i in range(20):
        np.savez(tmp_path / f"label_sim{i}_t10.npz", label=MAPS[0] + 0)
    maps = read_maps(tmp_path, WANTED)
    for i in range(20):
        assert maps[i].shape == (1, *SHAPE)
    held = [value for value in vars(maps).values() if isinstance(value, tuple) and isinstance(value[-1], np.ndarray)]
    assert len(held) == 1, "the last file alone"


def test_patterns_select_files(tmp_path: Path) -> None:
    for folder in ("train", "test"):
        (tmp_path / folder).mkdir()
    savemat(tmp_path / "train" / "svmodel1.mat", {"svmodel": MAPS[0]})
    savemat(tmp_path / "test" / "svmodel2.mat", {"svmodel": MAPS[1]})
    savemat(tmp_path / "train" / "srec1.mat", {"Rec": np.zeros((9, 9))})
    (tmp_path / "readme.md").write_text("x")
    (tmp_path / "test" / "._svmodel2.mat").write_text("left by a Mac")
    maps = read_maps(tmp_path, WANTED, ("svmodel*", "*"))
    np.testing.assert_array_equal(np.concatenate(list(maps)), MAPS[:2])


def _bad(tmp_path: Path) -> dict[str, tuple[Path, str, str]]:
    cases: dict[str, tuple[Path, str, str]] = {}

    def case(name: str, suffix: str, array: np.ndarray | None, message: str, hint: str) -> Path:
        path = tmp_path / f"{name.replace(' ', '_')}{suffix}"
        if array is not None:
            write(path, array)
        cases[name] = (path, message, hint)
        return path

    case(
        "swapped", ".npy", MAPS.transpose(0, 2, 1), r"\(6, 4\) found, expected \(4, 6\).*first axis is depth", "transp"
    )
    case("another size", ".npy", np.ones((9, 9)), r"shape \(9, 9\) found, expected maps of \(4, 6\)", "resample")
    spoiled = MAPS.copy()
    spoiled[0, 1, 2] = np.nan
    case("nan", ".npy", spoiled, r"nan.npy, map 0: 1 of 24 values are NaN", "repair")
    case("kilometres", ".mat", MAPS[0] / 1000, r"velocity 1.5\d* to 4.\d* found, expected 1500 to 4500 m/s", "by 1000")
    case("too fast", ".bin", MAPS * 2, r"expected 1500 to 4500 m/s", "clip")
    case("complex", ".npy", MAPS * 1j, r"values of type complex64 found, expected real numbers", "separately")
    case("cut npy", ".npy", MAPS, "cannot be read as .npy", "cut short")
    cases["cut npy"][0].write_bytes(cases["cut npy"][0].read_bytes()[:-40])
    case("cut raw", ".bin", MAPS, r"284 bytes found, expected a multiple of 96 for \(4, 6\) float32", "cut short")
    cases["cut raw"][0].write_bytes(cases["cut raw"][0].read_bytes()[:-4])
    case("empty raw", ".bin", MAPS[:0], "0 bytes found", "cut short")
    for suffix in (".npz", ".mat", ".segy"):
        path = case(f"cut {suffix[1:]}", suffix, MAPS[0], f"cannot be read as {suffix}", "damaged")
        path.write_bytes(path.read_bytes()[:-37])
    case("text", ".npz", None, "cannot be read as .npz", "another format").write_text("hello")
    np.save(case("pickled", ".npy", None, "cannot be read as .npy", "format"), np.array([{}]), allow_pickle=True)
    np.savez(
        case("two arrays", ".npz", None, r"holds a \(4, 6\), b \(4, 6\); expected one", "only the maps"),
        a=MAPS[0],
        b=MAPS[0],
    )
    case("unknown suffix", ".h5", None, r"suffix '.h5', expected .npy, .npz", "convert").write_text("x")
    case("absent", ".npy", None, "there is no file or folder", "correct")
    hdf = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n"
    case("matlab 7.3", ".mat", None, "is a MATLAB 7.3 file", "-v7").write_bytes(hdf)
    return cases


NAMES = (
    "swapped,another size,nan,kilometres,too fast,complex,cut npy,cut raw,empty raw,cut npz,cut mat,cut segy,"
    "text,pickled,two arrays,unknown suffix,absent,matlab 7.3"
)


@pytest.mark.parametrize("name", NAMES.split(","))
def test_unfit_files_raise_with_advice(name: str, tmp_path: Path) -> None:
    cases = _bad(tmp_path)
    assert list(cases) == NAMES.split(",")
    path, message, hint = cases[name]
    with pytest.raises(DataError, match=message) as wrong:
        list(read_maps(path, WANTED))
    assert path.name in wrong.value.message
    assert hint in wrong.value.hint


def test_empty_folder_lists_formats(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no file of maps; expected .npy, .npz"):
        read_maps(tmp_path, WANTED)


def test_missing_segyio_names_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.segy", MAPS[0])
    monkeypatch.setitem(sys.modules, "segyio", None)
    with pytest.raises(DataError, match="need the package segyio") as wrong:
        read_maps(tmp_path, WANTED)
    assert "fwibench[segy]" in wrong.value.hint
