"""What keeps an inversion from making a model worse: the start's own fit, shots held out, and what the survey sees."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fwibench_baselines.fwi.engine import Engine
from fwibench_baselines.fwi.method import MultiscaleFWI
from fwibench_baselines.fwi.options import CHECKED, InversionOptions, StartOptions
from fwibench_baselines.fwi.shots import simulate_shots
from fwibench_baselines.fwi.stopping import LowestMisfit
from scipy.ndimage import gaussian_filter

from fwibench.datasets.base import Dataset
from fwibench.methods.context import RunContext
from fwibench.methods.traces import Course, checkpoint_path
from fwibench.physics.acoustic import simulate
from fwibench.physics.wavelets import gradient_interval, sample_wavelet
from fwibench.problem import Point, Problem
from tests.physics.test_illumination import problem


@pytest.fixture(scope="module")
def five(small: Problem) -> Problem:
    """Five shots over the whole section."""
    return with_sources(small, 290.0)


def with_sources(small: Problem, last: float) -> Problem:
    sources = tuple(Point(x=10.0 * round(x / 10), z=10.0) for x in np.linspace(0, last, 5))
    receivers = tuple(Point(x=float(x), z=10.0) for x in np.arange(0, last + 1, 10))
    return small.model_copy(
        update={"survey": small.survey.model_copy(update={"sources": sources, "receivers": receivers})}
    )


def measure(problem: Problem, velocity: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return np.ascontiguousarray(simulate(torch.from_numpy(velocity), problem).numpy())


def invert(
    problem: Problem, shots: np.ndarray, start: np.ndarray, folder: Path, seconds: float | None = None, **options: Any
) -> tuple[np.ndarray, Course]:
    course = Course(start, checkpoint_path(folder, shots, start, "test"), seconds, lambda: False)
    chosen = InversionOptions(**{"bands": "6/12/full", "iterations": 8, "step": 50.0, **options})
    return Engine(problem, chosen, "cpu").run(shots, course), course


def test_bands_that_the_start_explains_are_left_out(five: Problem, truth: np.ndarray, tmp_path: Path) -> None:
    shots = measure(five, truth)
    starts = np.concatenate([truth[:1] + 1, np.full_like(truth[:1], 2600)])
    _, course = invert(five, shots, starts, tmp_path, holdout=0)
    good, poor = course.traces
    np.testing.assert_array_equal(good.models["6 Hz"], good.models["start"])
    assert np.abs(good.models["full"] - good.models["12 Hz"]).max() > 0, "the last band is always run"
    assert np.abs(poor.models["6 Hz"] - poor.models["start"]).max() > 50
    _, course = invert(five, shots[:1], starts[:1], tmp_path / "alone")
    assert {step.band for step in course.traces[0].steps} == {"full"}, "no iteration of a band that nobody needs"
    _, course = invert(five, shots[:1], starts[:1], tmp_path / "all", explained=0)
    assert len({step.band for step in course.traces[0].steps}) == 3


def test_band_that_worsens_held_out_shots_is_undone(five: Problem, truth: np.ndarray, tmp_path: Path) -> None:
    """Every shot but the one held out is replaced by another section's: fitting them cannot help it."""
    start = truth[1:] + 20
    engine = Engine(five, InversionOptions(bands="full"), "cpu")
    (kept,) = engine.held_out(0)
    shots, other = measure(five, truth[1:]), measure(five, np.full_like(truth[1:], 2900))
    others = [shot for shot in range(5) if shot != kept]
    shots[:, others] = other[:, others]
    free, _ = invert(five, shots, start, tmp_path / "free", bands="full", holdout=0)
    assert np.abs(free - start).max() > 50
    judged, course = invert(five, shots, start, tmp_path / "judged", bands="full")
    np.testing.assert_array_equal(judged, start)
    assert len(course.traces[0].steps) == 8
    late, _ = invert(five, shots, start, tmp_path / "late", bands="full", seconds=0.0)
    np.testing.assert_array_equal(late, start, err_msg="a budget that ends a band does not save it from judgement")


def test_bands_hold_out_different_shots(five: Problem, small: Problem) -> None:
    engine = Engine(five, InversionOptions(), "cpu")
    held = [engine.held_out(number) for number in range(5)]
    assert sorted(shot for shots in held for shot in shots) == [0, 1, 2, 3, 4]
    assert Engine(small, InversionOptions(), "cpu").held_out(0) == (), "two shots are too few"
    assert len(Engine(five, InversionOptions(holdout=3), "cpu").held_out(0)) == 3
    assert Engine(five, InversionOptions(holdout=4), "cpu").held_out(0) == ()


def test_better_start_takes_shorter_steps(five: Problem, truth: np.ndarray, tmp_path: Path) -> None:
    shots = measure(five, truth[1:])
    moved = []
    for offset in (30, 600):
        start = truth[1:] + np.float32(offset)
        found, _ = invert(five, shots, start, tmp_path / str(offset), bands="12", iterations=1, explained=0, holdout=0)
        moved.append(float(np.abs(found - start).max()))
    assert 1 < moved[0] < 0.6 * moved[1]


def test_updates_are_blurred_by_the_wavelength(five: Problem, truth: np.ndarray, tmp_path: Path) -> None:
    shots, start = measure(five, truth[1:]), np.full_like(truth[1:], 2200)
    sharp, smooth = (
        invert(five, shots, start, tmp_path / str(blur), bands="6", blur=blur)[0] - start for blur in (0, 0.06)
    )
    rough = [float(np.abs(np.diff(update, 2, axis=3)).mean() / np.abs(update).mean()) for update in (sharp, smooth)]
    assert rough[1] < 0.5 * rough[0]


def test_nodes_without_illumination_keep_their_values(tmp_path: Path) -> None:
    """Sources and receivers over the left half: the fast twin of the case in test_marmousi."""
    half = problem(290.0)
    line = np.broadcast_to(np.linspace(1900, 3100, 30)[:, None], (30, 60))
    lenses = gaussian_filter(np.random.default_rng(1).normal(size=line.shape), (2, 6)) * 300 * np.sqrt(48 * np.pi)
    truth, start = ((line + part).clip(1500, 4500).astype(np.float32)[None, None] for part in (lenses, 0))
    shots = measure(half, truth)

    def errors(model: np.ndarray) -> tuple[float, float]:
        wrong = np.abs(model - truth)[0, 0]
        return float(wrong[:, :30].mean()), float(wrong[:, 40:].mean())

    before = errors(start)
    options: dict[str, Any] = {"bands": "8/16/full", "iterations": 12, "step": 100.0}
    seen, unseen = errors(invert(half, shots, start, tmp_path / "faded", **options)[0])
    assert seen < 0.75 * before[0]
    assert unseen < 1.02 * before[1]
    everywhere = errors(invert(half, shots, start, tmp_path / "everywhere", illumination=0, **options)[0])
    assert everywhere[1] > 1.1 * before[1], "what the measure is for"


def test_parallel_shots_have_the_gradient_of_joint_shots(five: Problem, truth: np.ndarray) -> None:
    source = torch.from_numpy(sample_wavelet(five.survey))
    interval = gradient_interval(five.survey, None)
    gradients = []
    for each in (None, map):
        velocity = torch.from_numpy(truth).requires_grad_()
        recorded = simulate_shots(velocity, five, (0, 2, 3), source, interval, each)
        gradients.append(torch.autograd.grad(recorded.square().sum(), velocity)[0])
    assert float((gradients[0] - gradients[1]).norm() / gradients[0].norm()) < 1e-5


def test_first_step_is_proportional_to_the_error_of_the_mean_map(salt: Dataset, tmp_path: Path) -> None:
    train, val = salt.split("random", "train"), salt.split("random", "val")
    error = float(np.abs(val.properties[:] - train.properties[:].mean(0)).mean())

    def build(**options: Any) -> MultiscaleFWI:
        return MultiscaleFWI(salt.problem, StartOptions(**options), RunContext(workdir=tmp_path))

    method = build()
    method.fit(train, val)
    assert method.figures()["val_error_of_start"] == pytest.approx(error, rel=1e-5)
    assert method.engine.step == pytest.approx(0.4 * error, rel=1e-5)
    assert method.options.poor_misfit() == 0, "the error is known, and need not be read from the data"
    method.save(tmp_path)
    loaded = build()
    loaded.load(tmp_path)
    assert loaded.engine.step == method.engine.step
    far = build()
    far.fit(train, dataclasses.replace(val, properties=val.properties[:] + 3000))
    assert far.engine.step == 200
    untrained = build(start="gradient")
    untrained.fit(train, val)
    assert untrained.engine.step == 200
    assert untrained.figures() == {}
    assert untrained.options.poor_misfit() > 0
    assert build(poor=0.3).options.poor_misfit() == 0.3


def test_lowest_misfit_is_kept_sample_by_sample() -> None:
    offered = torch.tensor([[3.0, 1.0], [2.0, 4.0], [2.0, 0.5]]).view(3, 2, 1, 1, 1)
    lowest = LowestMisfit(lambda models: models.flatten(1)[:, 0])
    for models, expected in zip(offered, ([3.0, 1.0], [2.0, 1.0], [2.0, 0.5]), strict=True):
        assert lowest.offer(models).flatten().tolist() == expected


def test_band_can_end_with_the_model_that_fits_held_out_shots_best(
    five: Problem, truth: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shots = measure(five, truth[1:])
    chosen: dict[str, Any] = {"bands": "full", "iterations": 20, "step": 400.0, "illumination": 0}
    seen: list[np.ndarray] = []
    plain = LowestMisfit.offer

    def offer(self: LowestMisfit, models: torch.Tensor) -> torch.Tensor:
        seen.append(models.numpy(force=True).copy())
        return plain(self, models)

    monkeypatch.setattr(LowestMisfit, "offer", offer)
    best, course = invert(five, shots, truth[:1], tmp_path / "best", stop="held-out", **chosen)
    assert len(seen) == 20 // CHECKED + 1
    engine = Engine(five, InversionOptions(**chosen), "cpu")
    objective = engine.objectives.of_band(shots, torch.from_numpy(truth[:1]), None, penalised=False)
    with torch.no_grad():
        misfits = [float(objective(torch.from_numpy(models), engine.held_out(0))[0]) for models in seen]
    np.testing.assert_array_equal(best, seen[int(np.argmin(misfits))])
    assert len(course.traces[0].steps) == 20
