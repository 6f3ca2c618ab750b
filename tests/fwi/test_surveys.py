"""Inversions of surveys with a sampled wavelet, moving receivers, a free surface and an amplitude scale."""

import numpy as np
import pytest
import torch
from fwibench_baselines.fwi.discretisation import at_offsets, inversion_problem, on_time_axis, resample, taper
from fwibench_baselines.fwi.engine import Engine
from fwibench_baselines.fwi.method import gradient_flops
from fwibench_baselines.fwi.options import InversionOptions

from fwibench.physics.acoustic import simulate
from fwibench.physics.wavelets import sample_wavelet
from fwibench.problem import Point, Problem, Ricker, SampledWavelet
from tests.tolerances import assert_same_signal


def with_survey(problem: Problem, **changes: object) -> Problem:
    return problem.model_copy(update={"survey": problem.survey.model_copy(update=changes)})


def with_physics(problem: Problem, **changes: object) -> Problem:
    return problem.model_copy(update={"physics": problem.physics.model_copy(update=changes)})


@pytest.fixture
def streamer(small: Problem) -> Problem:
    """Four receivers right of each source."""
    spreads = tuple(
        tuple(Point(x=source.x + offset, z=10.0) for offset in (0.0, 10.0, 20.0, 40.0))
        for source in small.survey.sources
    )
    return with_survey(small, receivers=spreads[0], shot_receivers=spreads)


def test_offsets_are_those_of_each_shots_own_receivers(streamer: Problem) -> None:
    np.testing.assert_array_equal(at_offsets(streamer, 2), [[False, False, True, True]] * 2)


def test_updates_fade_out_at_the_receivers_of_every_shot(streamer: Problem) -> None:
    weights = taper(streamer, 1)
    for places in streamer.survey.shot_receivers:
        for place in places:
            assert weights[int(place.z / 10), int(place.x / 10)] == 0
    assert weights[20, 15] > 0.99


def test_free_surface_saves_the_absorbing_cells_above(small: Problem) -> None:
    nz, nx = small.grid.shape
    width = small.physics.pml_width
    saved = 1 - (nz + width) / (nz + 2 * width)
    ratio = gradient_flops(with_physics(small, free_surface=True)) / gradient_flops(small)
    assert ratio == pytest.approx(1 - saved)
    assert nx > 0


def test_sampled_wavelet_keeps_its_times_on_the_inversions_own_axis(small: Problem, truth: np.ndarray) -> None:
    survey = small.survey.model_copy(update={"wavelet": Ricker(frequency=12.0, delay=0.15)})
    samples = tuple(map(float, sample_wavelet(survey)))
    sampled = with_survey(small, wavelet=SampledWavelet(samples=samples, frequency=12.0, delay=0.15))
    known = small.model_copy(update={"survey": survey})
    ours, theirs = inversion_problem(sampled, None), inversion_problem(known, None)
    assert ours.survey.nt == theirs.survey.nt != small.survey.nt
    with torch.no_grad():
        a, b = (simulate(torch.from_numpy(truth[:1]), problem).numpy() for problem in (ours, theirs))
    # the resampling filter's error, which the recorded data get as well
    assert_same_signal(a, b, 5e-3)


def test_same_time_axis_keeps_the_survey(small: Problem) -> None:
    assert on_time_axis(small.survey, small.survey.nt) == small.survey


def test_inversion_explains_data_of_such_a_survey_best_with_the_true_map(streamer: Problem, truth: np.ndarray) -> None:
    samples = tuple(map(float, sample_wavelet(streamer.survey)))
    wavelet = SampledWavelet(samples=samples, frequency=12.0, delay=0.1)
    problem = with_physics(with_survey(streamer, wavelet=wavelet), free_surface=True, source_scale=-1e-3)
    maps = torch.from_numpy(truth)
    with torch.no_grad():
        measured = simulate(maps, problem).numpy()
    inner = inversion_problem(problem, None)
    options = InversionOptions(bands="full", iterations=1, shots=1, gain=0, mute=0, taper=0, tv=0, decrease=0)
    engine = Engine(inner, options, "cpu")
    objective = engine.objectives.of_band(resample(measured, inner.survey.nt), maps, None)
    right, wrong = objective(maps), objective(maps + 150.0)
    assert (right < 0.02).all(), "another stencil and time step: the misfit is small, not zero"
    assert (wrong > 10 * right).all()
    _, gradient = engine.gradient(objective, (maps + 150.0).requires_grad_(), (1,))
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0
    assert engine.bytes_per_sample() > 0
