"""Filters of the time axis: a filtered record is that of a simulation with the other wavelet, or of a later clock."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fwibench.datasets.base import Dataset
from fwibench.datasets.time_filters import filter_traces, wavelet_ratio
from fwibench.physics.acoustic import simulate
from fwibench.physics.wavelets import sample_wavelet
from fwibench.problem import Ricker, SeismicSurvey
from fwibench.testing.problems import SEISMIC

LEAD = 60
"""Time samples before time 0 of a simulation, for a wavelet that begins earlier than the survey's."""


def other_source(survey: SeismicSurvey, shift: float, lead: int = 0) -> SeismicSurvey:
    wavelet = survey.wavelet
    assert isinstance(wavelet, Ricker)
    moved = Ricker(frequency=wavelet.frequency * (1 + shift), delay=wavelet.delay + lead * survey.dt)
    return survey.model_copy(update={"wavelet": moved, "nt": survey.nt + lead})


def lost_share(shift: float) -> float:
    """Norm of what the stabilisation takes from the other wavelet, over the norm of that wavelet."""
    x = np.linspace(0, 12, 20001)
    original, other = (x**2 / f**3 * np.exp(-((x / f) ** 2)) for f in (1.0, 1 + shift))
    return float(np.linalg.norm(wavelet_ratio(x, shift) * original - other) / np.linalg.norm(other))


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found.astype(float) - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("shift", [-0.3, -0.1, 0.2, 0.3])
def test_filtered_record_is_that_of_a_simulation_with_the_other_wavelet(salt: Dataset, shift: float) -> None:
    problem, test = salt.problem, salt.split("random", "test")
    survey = problem.survey
    later = problem.model_copy(update={"survey": other_source(survey, shift, LEAD)})
    expected = simulate(torch.from_numpy(test.properties[:1]), later)[0].numpy()[:, LEAD:]
    # the last wavelet length of a record needs what came after its end
    within = survey.nt - round(1 / (survey.wavelet.frequency * (1 + min(shift, 0)) * survey.dt))
    recorded = test.measurements[0]
    filtered = filter_traces(recorded, survey, shift, 0.0)
    # the medium weakens high frequencies, so that a record loses no more than the wavelet; 0.1 % for dispersion in time
    assert relative(filtered[:, :within], expected[:, :within]) < lost_share(shift) + 1e-3
    # the shift matters: without the filter the error is many times as large
    assert relative(recorded[:, :within], expected[:, :within]) > 0.15


def test_stabilisation_is_as_documented() -> None:
    assert lost_share(0.2) == pytest.approx(0.005, rel=0.05)
    assert lost_share(0.3) == pytest.approx(0.0125, rel=0.05)
    assert lost_share(-0.1) < lost_share(-0.01) < 3e-4
    assert lost_share(-0.3) < 1e-6
    x = np.linspace(0, 60, 60001)
    assert wavelet_ratio(x, 0.2).max() == pytest.approx(8.4, abs=0.1)
    assert wavelet_ratio(x, 0.3).max() == pytest.approx(17.4, abs=0.1)


def test_wavelet_itself_becomes_the_other_one() -> None:
    survey = SEISMIC.survey.model_copy(update={"nt": 200, "wavelet": Ricker(frequency=15.0, delay=0.2)})
    trace = sample_wavelet(survey)[None, :, None]
    for shift in (-0.3, 0.3):
        expected = sample_wavelet(other_source(survey, shift))
        found = filter_traces(trace, survey, shift, 0.0)[0, :, 0]
        assert relative(found, expected) < lost_share(shift) + 1e-5
        assert found.argmax() == expected.argmax()


def test_whole_steps_of_time_move_samples_and_fill_zeros() -> None:
    rng = np.random.default_rng(0)
    survey = SEISMIC.survey
    record = rng.normal(size=survey.shape).astype(np.float32)
    later = filter_traces(record, survey, 0.0, 7 * survey.dt)
    np.testing.assert_allclose(later[:, 7:], record[:, :-7], atol=1e-5)
    np.testing.assert_allclose(later[:, :7], 0, atol=1e-5)
    earlier = filter_traces(record, survey, 0.0, -99 * survey.dt)
    np.testing.assert_allclose(earlier[:, :1], record[:, 99:], atol=1e-5)
    np.testing.assert_allclose(earlier[:, 1:], 0, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.05, 0.05), st.integers(0, 2**32 - 1))
def test_any_shift_of_a_pulse_is_the_pulse_at_another_time(shift: float, seed: int) -> None:
    survey = SEISMIC.survey.model_copy(update={"nt": 150, "wavelet": Ricker(frequency=15.0, delay=0.15)})
    amplitudes = np.random.default_rng(seed).normal(size=(2, 1, 3)).astype(np.float32)
    moved = survey.model_copy(update={"wavelet": Ricker(frequency=15.0, delay=0.15 + shift)})
    found = filter_traces(sample_wavelet(survey)[:, None] * amplitudes, survey, 0.0, shift)
    # the pulse is sampled 33 times a period, where its spectrum has ended; what remains is float32
    np.testing.assert_allclose(found, sample_wavelet(moved)[:, None] * amplitudes, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.3, 0.3), st.floats(-0.1, 0.1), st.floats(-3, 3))
def test_filter_is_linear_and_treats_traces_alike(shift: float, time: float, factor: float) -> None:
    survey = SEISMIC.survey
    a, b = np.random.default_rng(3).normal(size=(2, *survey.shape)).astype(np.float32)

    def run(record: np.ndarray) -> np.ndarray:
        return filter_traces(record, survey, shift, time)

    scale = 20 * (1 + abs(factor))
    np.testing.assert_allclose(run(a + np.float32(factor) * b), run(a) + factor * run(b), atol=1e-5 * scale)
    np.testing.assert_allclose(run(a[:1, :, 2:5]), run(a)[:1, :, 2:5], atol=1e-6 * scale)
