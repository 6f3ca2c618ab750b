"""Reading and checking measurements of users."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.errors import DataError, FwibenchError, ProblemError
from fwibench.problem import Problem
from fwibench.runs.prediction.measurements import Measurements, inspect_values, read_measurements
from fwibench.testing.problems import EM, SEISMIC

SHAPE = SEISMIC.measurement_shape


GOOD = np.random.default_rng(0).normal(0, 10, (4, *SHAPE)).astype(np.float32)


def saved(tmp_path: Path, array: Any, **how: Any) -> Path:
    path = tmp_path / "u.npy"
    np.save(path, array, **how)
    return path


FILES: dict[str, tuple[Any, Problem, str, str]] = {
    "receivers and time": (
        GOOD.transpose(0, 1, 3, 2),
        SEISMIC,
        "is samples, sources, receivers, time samples; expected",
        "save array.transpose((0, 1, 3, 2))",
    ),
    "samples second": (
        GOOD.transpose(1, 0, 2, 3),
        SEISMIC,
        "is sources, samples, time samples, receivers",
        "save array.transpose((1, 0, 2, 3))",
    ),
    "all of one sample turned": (
        GOOD[0].transpose(1, 2, 0),
        SEISMIC,
        "is time samples, receivers, sources",
        "save array.transpose((2, 0, 1))",
    ),
    "another survey": (GOOD[:, :, :80, :9], SEISMIC, "80 time samples instead of 100, 9 receivers instead", "0.002 s"),
    "axes that lack": (GOOD[0, 0], SEISMIC, "has shape (100, 15)", "a single sample"),
    "one axis too many": (GOOD[None], SEISMIC, "has shape (1, 4, 3, 100, 15)", "accepted are (n, S, T, R)"),
    "no samples": (GOOD[:0], SEISMIC, "has no samples", ""),
    "complex seismic": (GOOD * 1j, SEISMIC, "complex numbers (complex64)", "are real"),
    "complex EM": (
        np.zeros((2, 2, 3, 10), complex),
        EM,
        "complex numbers (complex128)",
        "axis=3).reshape(len(u), 2, 6",
    ),
    "half of EM": (np.zeros((2, 2, 3, 10)), EM, "has 3 rows for 3 frequencies", "real and the imaginary part"),
    "objects": (np.array([{}, None], object), SEISMIC, "holds Python objects", "numpy.stack"),
    "words": (np.array(["a"]), SEISMIC, "holds <U1", "float32"),
    "truths": (GOOD > 0, SEISMIC, "holds bool", "float32"),
}


@pytest.mark.parametrize(("array", "problem", "message", "hint"), FILES.values(), ids=FILES)
def test_unfit_array_raises_with_advice(tmp_path: Path, array: Any, problem: Problem, message: str, hint: str) -> None:
    with pytest.raises(FwibenchError) as error:
        read_measurements(saved(tmp_path, array), problem)
    assert message in error.value.message
    assert hint in error.value.hint
    assert hint or not error.value.hint


def test_advice_on_complex_fields_gives_valid_array(tmp_path: Path) -> None:
    u = np.random.default_rng(0).normal(size=(2, 2, 3, 10, 2)).view(complex)[..., 0]
    with pytest.raises(ProblemError) as error:
        read_measurements(saved(tmp_path, u), EM)
    advice = error.value.hint.partition(", save ")[2]
    made = eval(advice, {"numpy": np, "u": u})
    assert read_measurements(saved(tmp_path, made), EM).array.shape == (2, 2, 6, 10)
    assert np.array_equal(made[:, :, 4], u[:, :, 2].real)
    assert np.array_equal(made[:, :, 5], u[:, :, 2].imag)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is no .npy file"), (b"id,mae\n", "is no .npy file"), (b"\x93NUMPY\x01\x00v", "is not a whole .npy file")],
)
def test_file_of_other_format_raises(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "u.npy"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_measurements(path, SEISMIC)


def test_absent_truncated_or_archive_file_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_measurements(tmp_path / "u.npy", SEISMIC)
    with pytest.raises(DataError, match="is a folder"):
        read_measurements(tmp_path, SEISMIC)
    path = saved(tmp_path, GOOD)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DataError, match="is not a whole"):
        read_measurements(path, SEISMIC)
    np.savez(tmp_path / "u.npz", GOOD)
    (tmp_path / "u.npz").rename(path)
    with pytest.raises(DataError, match="is an archive"):
        read_measurements(path, SEISMIC)


@pytest.mark.parametrize("kind", ["f8", ">f4", "f2", "i2", "i8"])
def test_other_number_types_are_converted_with_note(tmp_path: Path, kind: str) -> None:
    incoming = read_measurements(saved(tmp_path, np.asfortranarray(GOOD.astype(kind))), SEISMIC)
    assert "to float32" in incoming.notes[0]
    ((first, samples),) = incoming.portions(SEISMIC)
    assert (first, samples.dtype, samples.flags.c_contiguous) == (0, np.float32, True)
    assert np.array_equal(samples, GOOD.astype(kind).astype("f4"))


def test_large_integers_are_rounded_with_note(tmp_path: Path) -> None:
    incoming = read_measurements(saved(tmp_path, np.full((1, *SHAPE), 2**24 + 1, np.int32)), SEISMIC)
    assert incoming.notes[1] == "integers beyond 16777216 are rounded"


def doubts(array: Any, problem: Problem = SEISMIC, missing: float = 0.0) -> list[str]:
    return inspect_values(Measurements(np.asarray(array), ()), problem, missing)


def test_plausible_values_give_no_warning() -> None:
    assert doubts(GOOD) == []
    rows = np.array(EM.amplitude.rows)[:, None]
    assert doubts(np.full((2, 2, 6, 10), 0.9) * rows, EM) == []


@pytest.mark.parametrize(("factor", "word"), [(1e3, "larger"), (1e-3, "smaller")])
def test_other_unit_gives_warning(factor: float, word: str) -> None:
    peak = np.abs(GOOD[2]).max() / 40
    mixed = GOOD.copy()
    mixed[2:] *= factor
    (line,) = doubts(mixed)
    assert f"of 2 of 4 samples is far {word}" in line
    times = float(line.partition("trained for, ")[2].partition(" times in sample 2")[0])
    assert times == pytest.approx(max(peak * factor, 1 / (peak * factor)), rel=0.05)
    rows = np.array(EM.amplitude.rows)[:, None]
    (line,) = doubts(np.full((2, 2, 6, 10), factor) * rows, EM)
    assert word in line


def test_reordered_rows_give_warning_with_frequency() -> None:
    """Real parts precede all imaginary parts, so the second row is the real part of the second frequency."""
    peaks = np.array([1e-5, 2e-5, 4e-5, 4e-7, 1e-4, 4e-5])
    problem = EM.model_copy(update={"amplitude": EM.amplitude.model_copy(update={"rows": tuple(peaks)})})
    right = np.full((2, 2, 6, 10), 0.9) * peaks[:, None]
    assert doubts(right, problem) == []
    larger, smaller = doubts(np.concatenate([right[:, :, 0::2], right[:, :, 1::2]], axis=2), problem)
    assert "the largest amplitude of the imaginary part at 40 Hz of 2 of 2 samples is far larger" in larger
    assert "45 times in sample 0" in larger
    assert "of the real part at 160 Hz of 2 of 2 samples is far smaller" in smaller
    assert "the scaling and the order of the rows (the 6 rows are the real and the imaginary part of each" in smaller


def test_non_finite_values_are_counted() -> None:
    bad = GOOD.copy()
    bad[1, 0, :3, 0] = np.nan
    bad[3, 0, 0, 0] = np.inf
    with pytest.raises(ProblemError, match=r"4 values in 2 of 4 samples .* sample 1 \(from 0\) with 3"):
        doubts(bad)
    with pytest.raises(ProblemError, match="6000 values in 1 of 1"):
        doubts(np.full((1, 4, 100, 15), 1e300), SEISMIC)


def test_silent_traces_gathers_and_samples_give_warning() -> None:
    part = GOOD.copy()
    part[2, 1, :, 4:6] = 0
    (line,) = doubts(part)
    assert line.startswith("2 of 180 traces (1.1%) contain only zeros; first receiver 4 of source 1 of sample 2")
    assert doubts(part, missing=0.05) == []
    part[2, 1] = 0
    assert doubts(part, missing=0.05) == ["1 of 12 gathers contain only zeros, first source 1 of sample 2"]
    part[2] = 0
    assert doubts(part) == ["1 of 4 samples contain only zeros, first sample 2"]
