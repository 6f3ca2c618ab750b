from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fwibench_baselines.fwi.engine import Engine
from fwibench_baselines.fwi.options import InversionOptions
from fwibench_baselines.fwi.warping import Warp

from fwibench.methods.traces import Course, checkpoint_path
from fwibench.physics.acoustic import simulate
from fwibench.problem import Problem

ITERATIONS = 25


def body(small: Problem, shift: int) -> np.ndarray:
    """A fast body in a slow ground, so many nodes to the right."""
    maps = np.full((1, 1, *small.grid.shape), 1800.0, np.float32)
    maps[..., 10:16, 7 + shift : 14 + shift] = 2600.0
    return maps


@pytest.fixture(scope="module")
def shots(small: Problem) -> np.ndarray:
    return simulate(torch.from_numpy(body(small, 2)), small).numpy()


def engine(small: Problem, high: float = 3000.0, noise: float = 0.0, **options: Any) -> Engine:
    chosen = {"bands": "6/full", "warp": ITERATIONS, "warp_points": 4, "iterations": 1, "step": 1e-3, "shots": None}
    bounds = small.property.model_copy(update={"high": high})
    problem = small.model_copy(update={"property": bounds, "noise": noise})
    return Engine(
        problem, InversionOptions(**{**chosen, "tv": 0, "decrease": 0, "blur": 0, "illumination": 0, **options}), "cpu"
    )


def invert(
    small: Problem, shots: np.ndarray, folder: Path, budget: float | None = None, **changes: Any
) -> tuple[np.ndarray, Course]:
    starts = np.repeat(body(small, 0), len(shots), axis=0)
    path = Course(starts, checkpoint_path(folder, shots, starts, "test"), budget, lambda: False)
    return engine(small, **changes).run(shots, path), path


def test_zero_displacement_changes_nothing() -> None:
    maps = torch.rand(2, 1, 9, 13)
    warp = Warp(maps, 5)
    assert warp.rest.shape == (2, 2, 4, 5)
    torch.testing.assert_close(warp.bend(warp.rest), maps, atol=1e-5, rtol=0)


def test_displacement_is_the_offset_of_the_source_position() -> None:
    maps = torch.arange(9.0 * 13).view(1, 1, 9, 13)
    warp = Warp(maps, 5)
    moved = warp.rest.clone()
    moved[:, 0], moved[:, 1] = 2.0, 1.0
    torch.testing.assert_close(warp.bend(moved)[..., :-2, :-1], maps[..., 2:, 1:], atol=1e-3, rtol=0)
    assert float(warp.strain(moved)) == 0, "a shift of the whole strains nothing"


def test_strain_of_a_stretch() -> None:
    warp = Warp(torch.rand(1, 1, 9, 13), 4)
    stretched = warp.rest.clone()
    stretched[:, 1] = 0.1 * warp.spacing * torch.arange(4.0)
    assert float(warp.strain(stretched)) == pytest.approx(0.1**2 / 2)


def test_misplaced_body_is_moved(small: Problem, shots: np.ndarray, tmp_path: Path) -> None:
    truth = body(small, 2)
    bent, path = invert(small, shots, tmp_path / "bent")
    kept, _ = invert(small, shots, tmp_path / "kept", warp=0)
    assert np.abs(kept - truth).mean() == pytest.approx(np.abs(body(small, 0) - truth).mean(), rel=1e-2)
    assert np.abs(bent - truth).mean() < 0.5 * np.abs(kept - truth).mean()
    assert bent.max() <= 2600.1, "a bent map has no value that the start has not"
    assert list(path.traces[0].models) == ["start", "full warp", "6 Hz", "full"]
    bands = [step.band for step in path.traces[0].steps]
    assert [bands.count(name) for name in dict.fromkeys(bands)] == [ITERATIONS, ITERATIONS, 1, 1]


def test_samples_that_bending_does_not_explain_keep_their_start(
    small: Problem, shots: np.ndarray, tmp_path: Path
) -> None:
    slower = simulate(torch.full((1, 1, *small.grid.shape), 1600.0), small).numpy()
    _, path = invert(small, np.concatenate([shots, slower]), tmp_path)
    moved, kept = (trace.models["full warp"] for trace in path.traces)
    np.testing.assert_array_equal(kept, body(small, 0)[0])
    assert np.abs(moved - kept).max() > 100
    _, path = invert(small, slower, tmp_path, noise=2.0)
    assert np.abs(path.traces[0].models["full warp"] - kept).max() > 10, "noise explains the rest"


def test_bent_maps_stay_within_bounds_without_penalties(small: Problem, shots: np.ndarray, tmp_path: Path) -> None:
    plain, penalised = (
        invert(small, shots, tmp_path / str(tv), high=2550.0, tv=tv)[1].traces[0].models["full warp"] for tv in (0, 1)
    )
    assert plain.max() <= 2550.0
    np.testing.assert_array_equal(plain, penalised)


def test_interrupted_inversion_is_not_bent_again(
    small: Problem, shots: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, path = invert(small, shots, tmp_path)
    again = Course(body(small, 0), checkpoint_path(tmp_path, shots, body(small, 0), "test"), None, lambda: False)
    assert again.finished == path.finished
    again_engine = engine(small)
    monkeypatch.setattr(again_engine, "_warp", lambda *_: pytest.fail("bent again"))
    np.testing.assert_array_equal(again_engine.run(shots, again), path.models)


def test_stiffness_limits_the_displacement(small: Problem, shots: np.ndarray, tmp_path: Path) -> None:
    soft, _ = invert(small, shots, tmp_path / "soft", stiffness=0)
    stiff, _ = invert(small, shots, tmp_path / "stiff", stiffness=1e3)
    still = body(small, 0)
    assert np.abs(stiff - soft).mean() > 0.1 * np.abs(soft - still).mean()


def test_time_budget_ends_the_bending(small: Problem, shots: np.ndarray, tmp_path: Path) -> None:
    found, path = invert(small, shots, tmp_path, budget=1e-9)
    assert path.finished == ["start"]
    assert len(path.traces[0].steps) == 1
    assert found.shape == (1, 1, *small.grid.shape)
    assert np.isfinite(found).all()
