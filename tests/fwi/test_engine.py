from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fwibench_baselines.fwi.bands import bands_of, low_pass
from fwibench_baselines.fwi.discretisation import at_offsets, inversion_problem, resample, taper
from fwibench_baselines.fwi.engine import Engine
from fwibench_baselines.fwi.method import MultiscaleFWI, OracleFWI, gradient_flops
from fwibench_baselines.fwi.misfits import MISFITS, decrease, roughness
from fwibench_baselines.fwi.options import InversionOptions, OracleOptions, StartOptions
from fwibench_baselines.fwi.shots import with_shots
from pydantic import ValidationError

from fwibench.methods.context import RunContext
from fwibench.methods.traces import Course, checkpoint_path
from fwibench.metrics.misfit import data_misfit
from fwibench.physics.acoustic import simulate
from fwibench.physics.wavelets import gradient_interval
from fwibench.problem import Problem
from tests.tolerances import assert_same_signal, rounding

START = 1900.0
SAME_SIMULATION = 1e-4
"""Relative L2 difference that rounding over some hundred time steps explains; another stencil makes 1e-2."""


def course(shots: np.ndarray, starts: np.ndarray, folder: Path, seconds: float | None = None) -> Course:
    return Course(starts, checkpoint_path(folder, shots, starts, "test"), seconds, lambda: False)


def start(small: Problem, n: int = 1) -> np.ndarray:
    return np.full((n, 1, *small.grid.shape), START, np.float32)


PLAIN: dict[str, Any] = {
    "bands": "3/6/full",
    "iterations": 6,
    "step": 40,
    "shots": None,
    "gain": 0,
    "mute": 0,
    "taper": 0,
    "tv": 0,
    "decrease": 0,
    "poor": 0,
    "blur": 0,
    "illumination": 0,
    "explained": 0,
    "holdout": 0,
}


def engine(small: Problem, **options: Any) -> Engine:
    return Engine(small, InversionOptions(**{**PLAIN, **options}), "cpu")


def test_bands_come_from_the_source_or_the_user(small: Problem) -> None:
    assert bands_of(small.survey, "auto") == (2.0, 3.0, 5.0, 8.0, None)
    assert bands_of(small.survey, "4/8/full") == (4.0, 8.0, None)


@pytest.mark.parametrize("bands", ["8/4", "full/4", "x", "", "-1/full"])
def test_bands_that_do_not_increase_are_rejected(bands: str) -> None:
    with pytest.raises(ValidationError, match="bands|float"):
        InversionOptions(bands=bands)


def test_low_pass_filter_is_causal() -> None:
    signal = np.zeros((1, 1, 200, 1), np.float32)
    signal[0, 0, 120] = 1
    filtered = low_pass(signal, 6.0, 1 / 600, axis=2)
    assert not filtered[0, 0, :120].any()
    assert filtered[0, 0, 120:].any()
    assert low_pass(signal, None, 1 / 600, axis=2) is signal


def test_low_pass_keeps_low_frequencies_and_removes_high_ones() -> None:
    time = np.arange(6000) / 600
    for frequency, kept in ((2.0, 1.0), (24.0, 0.0)):
        filtered = low_pass(np.sin(2 * np.pi * frequency * time).astype(np.float32), 6.0, 1 / 600, axis=0)
        assert np.abs(filtered[3000:]).max() == pytest.approx(kept, abs=0.02)


@pytest.mark.parametrize("name", MISFITS)
def test_misfits_are_zero_for_equal_traces_and_about_one_for_zero_traces(name: str, shots: np.ndarray) -> None:
    observed = torch.from_numpy(shots)
    assert MISFITS[name](observed, observed) == pytest.approx([0, 0], abs=rounding(terms=observed[0].numel()))
    assert MISFITS[name](torch.zeros_like(observed), observed) == pytest.approx([1, 1], abs=0.05)


def test_envelope_ignores_polarity_and_correlation_ignores_amplitude(shots: np.ndarray) -> None:
    observed = torch.from_numpy(shots)
    assert float(MISFITS["envelope"](-observed, observed).max()) < rounding(terms=observed[0].numel())
    assert float(MISFITS["correlation"](3 * observed, observed).max()) < rounding(terms=observed[0].numel())
    assert float(MISFITS["correlation"](-observed, observed).min()) == pytest.approx(2, abs=0.1)


def test_roughness_of_a_step() -> None:
    step = torch.zeros(1, 1, 4, 5)
    step[..., 2:] = 3.0
    assert float(roughness(step, 1)) == pytest.approx(3 * 4 / 16)
    assert float(roughness(step, 2)) == pytest.approx(9 * 4 / 16)


def test_gradient_is_the_adjoint_of_the_derivative(small: Problem, truth: np.ndarray) -> None:
    """<J dv, w> by finite differences equals <dv, J^T w> by the gradient."""
    rng = np.random.default_rng(0)
    velocity = torch.from_numpy(truth[1:].astype(np.float64)).requires_grad_()
    weights = torch.from_numpy(rng.normal(size=(1, *small.measurement_shape)))
    direction = torch.from_numpy(rng.normal(size=velocity.shape))
    (gradient,) = torch.autograd.grad((simulate(velocity, small) * weights).sum(), velocity)
    with torch.no_grad():
        ahead, back = (float((simulate(velocity + s * direction, small) * weights).sum()) for s in (0.1, -0.1))
    assert float((gradient * direction).sum()) == pytest.approx((ahead - back) / 0.2, rel=1e-3)


@pytest.mark.parametrize(
    "options",
    [{}, {"misfit": "envelope"}, {"misfit": "correlation", "mute": 2}, {"gain": 1.0, "tv": 0.1, "decrease": 0.1}],
)
def test_gradients_agree_with_finite_differences(
    small: Problem, shots: np.ndarray, truth: np.ndarray, options: dict[str, Any]
) -> None:
    objective = engine(small, **options).objectives.of_band(shots[1:], torch.from_numpy(start(small)), 6.0)
    rng = np.random.default_rng(1)
    velocity = torch.from_numpy(start(small).astype(np.float64) + rng.normal(size=(1, 1, *small.grid.shape)))
    direction = torch.from_numpy(truth[1:].astype(np.float64)) - velocity
    velocity.requires_grad_()
    (gradient,) = torch.autograd.grad(objective(velocity).sum(), velocity)
    with torch.no_grad():
        ahead, back = (float(objective(velocity + s * direction).sum()) for s in (1e-4, -1e-4))
    assert float((gradient * direction).sum()) == pytest.approx((ahead - back) / 2e-4, rel=1e-3)


def test_gradient_from_wavefields_at_intervals_is_accurate(small: Problem, shots: np.ndarray) -> None:
    largest = gradient_interval(small.survey, None)
    assert small.survey.nt % largest == 0
    assert gradient_interval(small.survey, 3.0) > largest > 1
    velocity = torch.from_numpy(start(small)).requires_grad_()
    gradients = []
    for interval in (1, largest):
        simulated = simulate(velocity, small, gradient_interval=interval)
        misfit = MISFITS["l2"](simulated, torch.from_numpy(shots[1:])).sum()
        gradients.append(torch.autograd.grad(misfit, velocity)[0])
    assert float((gradients[1] - gradients[0]).norm() / gradients[0].norm()) < 1e-3


def test_updates_fade_out_at_sources_and_receivers(small: Problem) -> None:
    weights = taper(small, 2.0)
    assert float(weights[1, 5]) == 0
    assert float(weights[1, 24]) == 0
    assert float(weights[12, 12]) == pytest.approx(1)


@pytest.mark.parametrize("optimiser", ["adam", "l-bfgs-b"])
def test_inversion_reduces_misfit_and_error(
    optimiser: str, small: Problem, shots: np.ndarray, truth: np.ndarray, tmp_path: Path
) -> None:
    inversion = engine(small, optimiser=optimiser, iterations=12, step=40.0)
    path = course(shots[1:], start(small), tmp_path)
    found = inversion.run(shots[1:], path)
    steps = path.traces[0].steps
    assert list(path.traces[0].models) == ["start", "3 Hz", "6 Hz", "full"]
    assert steps[-1].misfit < 0.5 * next(step.misfit for step in steps if step.band == "full")
    assert np.abs(found - truth[1:]).mean() < 0.85 * np.abs(START - truth[1:]).mean()
    assert found.min() >= small.property.low
    assert found.max() <= small.property.high


def test_samples_of_a_batch_do_not_affect_each_other(small: Problem, shots: np.ndarray, tmp_path: Path) -> None:
    together = engine(small).run(shots, course(shots, start(small, 2), tmp_path))
    others = np.stack([shots[1][..., ::-1], shots[1]])
    beside_others = engine(small).run(others, course(others, start(small, 2), tmp_path))
    np.testing.assert_array_equal(beside_others[1], together[1], "the same batch but for the other sample")
    assert np.abs(beside_others[0] - together[0]).max() > 10


def test_batch_has_the_gradients_of_single_samples(small: Problem, shots: np.ndarray) -> None:
    """Of one evaluation: later iterations of Adam amplify rounding wherever a gradient is close to zero."""
    starts = torch.from_numpy(start(small, 2))
    inversion = engine(small)
    batch = inversion.gradient(inversion.objectives.of_band(shots, starts, 6.0), starts.clone().requires_grad_())
    for sample in range(2):
        rows = slice(sample, sample + 1)
        single = inversion.gradient(
            inversion.objectives.of_band(shots[rows], starts[rows], 6.0), starts[rows].clone().requires_grad_()
        )
        # the adjoint sums over all time steps
        allowed = rounding(terms=small.survey.nt)
        assert_same_signal(batch[0][rows], single[0], allowed)
        assert_same_signal(batch[1][rows], single[1], allowed)


@pytest.mark.parametrize("coupling", [{"optimiser": "l-bfgs-b"}, {"wavelet": "estimated"}])
def test_options_that_couple_samples_invert_one_at_a_time(
    coupling: dict[str, str], small: Problem, shots: np.ndarray, tmp_path: Path
) -> None:
    inversion = engine(small, **coupling)
    with pytest.raises(ValueError, match="one sample at a time, not 2"):
        inversion.run(shots, course(shots, start(small, 2), tmp_path))
    method = MultiscaleFWI(small, StartOptions(**{**PLAIN, **coupling}), RunContext(workdir=tmp_path))
    assert method.samples_at_once() == 1
    assert not engine(small).alone


def test_start_counts_the_values_taken_from_train(small: Problem, tmp_path: Path) -> None:
    """As mean-map counts its mean; the smoothed truth is none of train."""
    context = RunContext(workdir=tmp_path)
    starts = ("train-mean", "train-gradient", "gradient")
    found = [MultiscaleFWI(small, StartOptions(start=begin), context).complexity() for begin in starts]
    found.append(OracleFWI(small, OracleOptions(), context).complexity())
    assert [(one.parameters, one.parameters_closed_form) for one in found] == [(0, 24 * 30), (0, 2), (0, 0), (0, 0)]


def test_interrupted_inversion_continues_from_its_last_band(
    small: Problem, shots: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = engine(small).run(shots[1:], course(shots[1:], start(small), tmp_path / "whole"))
    inversion = engine(small)
    run_band = inversion._run_band

    def dies(*arguments: Any) -> Any:
        if arguments[1] is None:
            raise KeyboardInterrupt
        return run_band(*arguments)

    monkeypatch.setattr(inversion, "_run_band", dies)
    with pytest.raises(KeyboardInterrupt):
        inversion.run(shots[1:], course(shots[1:], start(small), tmp_path / "cut"))
    again = course(shots[1:], start(small), tmp_path / "cut")
    assert again.finished == ["start", "3 Hz", "6 Hz"]
    np.testing.assert_array_equal(engine(small).run(shots[1:], again), whole)
    assert len(again.traces[0].steps) == 18
    assert again.traces[0].before > 0
    assert all(a.seconds <= b.seconds for a, b in zip(again.traces[0].steps, again.traces[0].steps[1:], strict=False))


def test_time_budget_ends_an_inversion(small: Problem, shots: np.ndarray, tmp_path: Path) -> None:
    path = course(shots[1:], start(small), tmp_path, seconds=0.0)
    found = engine(small).run(shots[1:], path)
    assert len(path.traces[0].steps) == 1
    assert found.shape == (1, 1, 24, 30)


def test_wavelet_of_another_amplitude_is_estimated(small: Problem, shots: np.ndarray) -> None:
    known, estimated = (
        engine(small, wavelet=wavelet).objectives.of_band(2 * shots[1:], torch.from_numpy(start(small)), None)
        for wavelet in ("known", "estimated")
    )
    velocity = torch.from_numpy(start(small))
    with torch.no_grad():
        assert float(estimated(velocity)) < 0.5 * float(known(velocity))


def test_missing_traces_do_not_weaken_the_wavelet(small: Problem, truth: np.ndarray, shots: np.ndarray) -> None:
    lost = shots[1:].copy()
    lost[..., ::2] = 0
    velocity, wrong = torch.from_numpy(truth[1:]), torch.from_numpy(start(small))
    objective = engine(small, wavelet="estimated").objectives.of_band(lost, velocity, None)
    with torch.no_grad():
        assert float(objective(velocity)) < 0.01 * float(objective(wrong))


def test_inversion_scheme_differs_from_that_of_the_data(small: Problem) -> None:
    other = inversion_problem(small, None)
    assert other.physics.accuracy == 6, "the data are of order 4, which would do"
    assert inversion_problem(other, None).physics.accuracy == 4
    assert inversion_problem(small, 2).physics.accuracy == 2
    short = other.model_copy(update={"property": small.property.model_copy(update={"low": 900.0})})
    assert inversion_problem(short, None).physics.accuracy == 8, "order 4 does not suit, and 6 is the data's"
    assert other.survey.nt * other.survey.dt == pytest.approx(small.survey.nt * small.survey.dt)
    assert other.survey.nt < 2 * small.survey.nt, "deepwave would take two steps a sample"


def test_inversion_simulation_agrees_with_the_data(small: Problem, truth: np.ndarray, shots: np.ndarray) -> None:
    other = inversion_problem(small, None)
    heard = at_offsets(small, 2.0)[:, None]
    with torch.no_grad():
        again = simulate(torch.from_numpy(truth), other).numpy() * heard
    measured = resample(shots, other.survey.nt) * heard
    assert 1e-4 < np.linalg.norm(again - measured) / np.linalg.norm(measured) < 2e-2


def test_missing_traces_are_left_out(small: Problem, truth: np.ndarray, shots: np.ndarray) -> None:
    lost = shots.copy()
    lost[:, 0, :, 4:9] = 0
    velocity = torch.from_numpy(truth)
    with torch.no_grad():
        misfit = engine(small).objectives.of_band(lost, velocity, None)(velocity)
    assert float(misfit.max()) < SAME_SIMULATION**2
    assert data_misfit(truth, lost, small) == pytest.approx([0, 0], abs=SAME_SIMULATION)


def test_correlation_ignores_missing_traces(shots: np.ndarray) -> None:
    observed, silent = torch.from_numpy(shots.copy()), torch.from_numpy(shots.copy())
    silent[:, 0] = 0
    assert MISFITS["correlation"](silent, silent) == pytest.approx([0, 0], abs=rounding(terms=silent[0].numel()))
    assert MISFITS["correlation"](-observed, silent) == pytest.approx([2, 2], rel=1e-4)


def test_steps_shorten_from_band_to_band(small: Problem, shots: np.ndarray, tmp_path: Path) -> None:
    path = course(shots[1:], start(small), tmp_path)
    engine(small, iterations=1).run(shots[1:], path)
    models = list(path.traces[0].models.values())
    moved = [float(np.abs(after - before).max()) for before, after in pairwise(models)]
    assert moved == pytest.approx([40, 28, 19.6], rel=1e-3)


def test_data_misfit_is_relative_to_the_noise(small: Problem, truth: np.ndarray, shots: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    size = np.sqrt(np.square(shots).mean((1, 2, 3), keepdims=True))
    noisy = (shots + 0.3 * size * rng.normal(size=shots.shape)).astype(np.float32)
    known = small.model_copy(update={"noise": 0.3})
    assert data_misfit(truth, noisy, known) == pytest.approx([1, 1], rel=0.02)
    assert (data_misfit(np.full_like(truth, 1900), noisy, known) > 1.05).all()


def test_traces_at_the_source_are_left_out(small: Problem) -> None:
    heard = at_offsets(small, 2.0)
    assert heard.shape == (2, 15)
    np.testing.assert_array_equal(np.flatnonzero(~heard[0]), [2, 3])
    assert at_offsets(small, 0.0).all()


def test_iterations_choose_random_shots(small: Problem, truth: np.ndarray, shots: np.ndarray) -> None:
    five = engine(with_shots(small, (0, 1, 0, 1, 0)), shots=2)
    drawn = [five.shots_of(i) for i in range(50)]
    assert all(len(set(pair)) == 2 for pair in drawn)
    assert {shot for pair in drawn for shot in pair} == set(range(5))
    assert [five.shots_of(i) for i in range(50)] == drawn
    other = Engine(five.problem, five.options, "cpu", seed=1)
    assert [other.shots_of(i) for i in range(50)] != drawn
    assert engine(small).shots_of(7) == (0, 1)
    objective = engine(small).objectives.of_band(shots, torch.from_numpy(truth), None)
    with torch.no_grad():
        second = simulate(torch.from_numpy(truth), with_shots(small, (1,))).numpy()
        wrong = torch.full((2, 1, *small.grid.shape), START)
        assert float(objective(torch.from_numpy(truth), (1,)).max()) < SAME_SIMULATION**2
        assert float(objective(wrong, (1,)).min()) > 1e-3
    assert_same_signal(second[:, 0], shots[:, 1], SAME_SIMULATION)


def test_total_variation_is_relaxed_between_bands_and_decrease_is_not(small: Problem, shots: np.ndarray) -> None:
    velocity = torch.from_numpy(start(small))
    velocity[..., 10:, :] -= 200
    cost = 200 / 1500 / 23

    def costs(**penalty: float) -> list[float]:
        found = []
        for corner in (3.0, 6.0, None):
            with torch.no_grad():
                free, bound = (
                    engine(small, **options).objectives.of_band(shots[1:], velocity, corner)(velocity)
                    for options in ({}, penalty)
                )
            found.append(float(bound - free))
        return found

    assert costs(tv=1) == pytest.approx([cost, cost / 3, cost / 9], rel=1e-2)
    assert costs(decrease=1) == pytest.approx([cost, cost, cost], rel=1e-2)


def test_only_decreases_with_depth_are_penalised() -> None:
    maps = torch.arange(12.0).reshape(1, 1, 4, 3)
    assert float(decrease(maps)) == 0
    assert float(decrease(-maps)) == pytest.approx(3)


def test_prior_is_added_to_the_nodes_of_every_iteration(small: Problem, shots: np.ndarray, tmp_path: Path) -> None:
    inversion, seen = engine(small, bands="6/full", iterations=2, warp=1, holdout=1), []

    def prior(maps: torch.Tensor, iteration: int) -> torch.Tensor:
        seen.append(iteration)
        return maps.mean((1, 2, 3))

    inversion.objectives.prior = prior
    inversion.run(shots[1:], course(shots[1:], start(small), tmp_path))
    assert seen == [2, 3, 4, 5], "after an iteration of bending in each of two bands"
    velocity = torch.from_numpy(start(small))
    with torch.no_grad():
        whole, plain = (inversion.objectives.of_band(shots[1:], velocity, None, penalised=on) for on in (True, False))
        added = float(whole(velocity) - plain(velocity))
    assert added == pytest.approx(float(small.property.normalise(velocity).mean()), rel=1e-4)


def test_flops_increase_with_cells_steps_and_shots(small: Problem) -> None:
    double = small.model_copy(update={"survey": small.survey.model_copy(update={"sources": small.survey.sources * 2})})
    assert gradient_flops(double) == 2 * gradient_flops(small)
    assert gradient_flops(small) > 240 * 36 * 42 * 2 * 2 * 20
