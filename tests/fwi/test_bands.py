"""Bands for any source, time step and record."""

import numpy as np
import pytest
import torch
from fwibench_baselines.fwi.bands import bands_of, low_pass, name_of
from fwibench_baselines.fwi.engine import Engine
from fwibench_baselines.fwi.options import AUTO, InversionOptions

from fwibench.problem import Problem, Ricker, SeismicSurvey


def survey(small: Problem, frequency: float, nt: int = 1000, dt: float = 1e-3) -> SeismicSurvey:
    wavelet = Ricker(frequency=frequency, delay=1.2 / frequency)
    return small.survey.model_copy(update={"wavelet": wavelet, "nt": nt, "dt": dt})


def test_corners_scale_with_the_source(small: Problem) -> None:
    for factor in (1e-3, 0.1, 1.0, 100.0):
        bands = bands_of(survey(small, 12 * factor, dt=1e-3 / factor), "auto")
        assert bands[-1] is None
        expected = [12 * factor * part for part in AUTO["auto"]]
        assert bands[:-1] == pytest.approx(expected, rel=5e-3), "three digits"


@pytest.mark.parametrize("frequency", [0.02, 0.2, 1.0, 15.0, 300.0, 499.0, 5000.0])
@pytest.mark.parametrize("nt", [20, 1000])
@pytest.mark.parametrize("bands", ["auto", "upper", "0.001/0.2/3/600/full", "600/700", "0.01/full"])
def test_every_usable_band_can_be_filtered(small: Problem, frequency: float, nt: int, bands: str) -> None:
    there = survey(small, frequency, nt)
    found = bands_of(there, bands)
    assert found
    assert len({name_of(corner) for corner in found}) == len(found)
    signal = np.random.default_rng(0).normal(size=(1, 1, nt, 2)).astype(np.float32)
    for corner in found:
        filtered = low_pass(signal, corner, there.dt, axis=2)
        assert np.isfinite(filtered).all()
        assert filtered.any()


def test_corners_with_equal_names_count_once(small: Problem) -> None:
    assert bands_of(survey(small, 15.0), "3.0000001/3.0000002/full") == (3.0000002, None)


def test_very_low_source_frequency_has_a_gradient(small: Problem, truth: np.ndarray) -> None:
    there = small.model_copy(update={"survey": survey(small, 0.2, nt=300, dt=2e-3)})
    engine = Engine(there, InversionOptions(illumination=0), "cpu")
    shots = np.random.default_rng(0).normal(size=(1, *there.measurement_shape)).astype(np.float32)
    velocity = torch.from_numpy(truth[:1]).requires_grad_()
    for corner in engine.bands:
        misfits, gradient = engine.gradient(engine.objectives.of_band(shots, velocity.detach(), corner), velocity)
        assert np.isfinite(misfits).all()
        assert torch.isfinite(gradient).all()
