"""One reading of shapes for `data add` and `predict`."""

import re
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.layouts import Expected, complex_advice, read_layout, transposition
from fwibench.errors import ProblemError
from fwibench.problem import Problem, SeismicSurvey
from fwibench.runs.prediction.measurements import read_measurements
from fwibench.testing.problems import EM, SEISMIC

T, R = SEISMIC.measurement_shape[1:]
SURVEY = SEISMIC.survey
assert isinstance(SURVEY, SeismicSurvey)
ONE_SOURCE = SEISMIC.model_copy(update={"survey": SURVEY.with_shots([0])})


@pytest.mark.parametrize(
    ("shape", "problem", "read", "note"),
    [
        ((4, 3, T, R), SEISMIC, (4, 3, T, R), ""),
        ((3, T, R), SEISMIC, (1, 3, T, R), "one sample of 3 sources"),
        ((4, 1, T, R), ONE_SOURCE, (4, 1, T, R), ""),
        ((20, T, R), ONE_SOURCE, (20, 1, T, R), "20 samples of one source"),
        ((1, T, R), ONE_SOURCE, (1, 1, T, R), "one sample of 1 source,"),
        ((T, R), ONE_SOURCE, (1, 1, T, R), "one sample of one source"),
    ],
)
def test_predict_reads_all_accepted_layouts(
    shape: tuple[int, ...], problem: Problem, read: tuple[int, ...], note: str, tmp_path: Path
) -> None:
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.save(tmp_path / "u.npy", array)
    incoming = read_measurements(tmp_path / "u.npy", problem)
    assert incoming.array.shape == read
    np.testing.assert_array_equal(incoming.array.reshape(shape), array)
    assert note in " ".join(incoming.notes)
    assert bool(incoming.notes) == bool(note)


@pytest.mark.parametrize(
    ("shape", "samples", "read"),
    [
        ((5, 100, 8), 5, (5, 1, 100, 8)),
        ((5, 100, 8), 1, (1, 5, 100, 8)),
        ((1, 100, 8), 1, (1, 1, 100, 8)),
        ((100, 8), 1, (1, 1, 100, 8)),
    ],
)
def test_number_of_maps_decides_between_samples_and_sources(
    shape: tuple[int, ...], samples: int, read: tuple[int, ...]
) -> None:
    assert read_layout("u", shape, Expected((None, None, None), samples)).shape == read


@pytest.mark.parametrize(
    ("shape", "expected", "message", "hint"),
    [
        ((5, 100, 8), Expected((None, None, None), 3), "has 5 samples instead of 3", ""),
        ((5, 100, 8), Expected((4, None, 8), 1), "5 sources instead of 4", ""),
        ((3, 2, 8, 100), Expected((2, None, 8), 3), "another order", r"array.transpose\(\(0, 1, 3, 2\)\)"),
        ((100, 8), Expected((3, 100, 8)), "has shape", "not that of sources"),
        ((2, 5, 3, 8), Expected((5, 6, 8), 2, em=True), "3 rows for 3 frequencies", "real and the imaginary"),
        ((7,), Expected((None, None, None), 1), "has shape", "accepted are"),
        ((0, 3, 100, 8), Expected((3, None, None)), "has no samples", ""),
    ],
)
def test_wrong_shape_names_axes(shape: tuple[int, ...], expected: Expected, message: str, hint: str) -> None:
    with pytest.raises(ProblemError, match=message) as wrong:
        read_layout("u.npy", shape, expected)
    assert re.search(hint, wrong.value.hint)


def test_no_transposition_is_proposed_with_unknown_sizes() -> None:
    assert transposition((3, 2, 8, 100), Expected((2, None, None), 3)) == ()
    assert transposition((3, 2, 8, 100), Expected((2, 100, 8))) == (0, 1, 3, 2)


def test_advice_on_complex_numbers_depends_on_kind() -> None:
    assert "are real" in complex_advice(4, Expected((None, None, None)))
    u = np.random.default_rng(0).normal(size=(2, 2, 3, 10, 2)).view(complex)[..., 0]
    made = eval(complex_advice(4, Expected((None, None, None), em=True)).partition(", save ")[2], {"numpy": np, "u": u})
    assert read_layout("u", made.shape, Expected.of(EM)).shape == (2, 2, 6, 10)
    assert np.array_equal(made[:, :, 4], u[:, :, 2].real)
