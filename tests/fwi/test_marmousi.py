"""What keeps an inversion from making a model worse, measured on windows of the published Marmousi2 model."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fwibench_baselines.fwi.method import MultiscaleFWI, OracleFWI
from fwibench_baselines.fwi.options import OracleOptions, StartOptions

from fwibench.datasets.marmousi.dataset import PROBLEM
from fwibench.methods.context import RunContext
from fwibench.physics.acoustic import simulate
from fwibench.problem import Point, Problem

pytestmark = pytest.mark.slow
ITERATIONS = 40


def window(real_data: Path, row: int, column: int) -> np.ndarray:
    """70 x 70 nodes at 10 m, `(1, 1, Z, X)`."""
    model = np.load(real_data / "marmousi2_vp_10m.npy")[row : row + 70, column : column + 70]
    return model.clip(PROBLEM.property.low, PROBLEM.property.high).astype(np.float32)[None, None]


def line(model: np.ndarray) -> np.ndarray:
    """The linear increase over depth that fits a model best, `(Z, X)`."""
    depth = np.arange(70)
    profile = np.polynomial.Polynomial.fit(depth, model[0, 0].mean(1), 1)(depth)
    return np.broadcast_to(profile[:, None], (70, 70)).astype(np.float32)


def invert(problem: Problem, model: np.ndarray, start: np.ndarray, folder: Path, **options: Any) -> np.ndarray:
    with torch.no_grad():
        shots = simulate(torch.from_numpy(model), problem).numpy()
    np.save(folder / "start.npy", start)
    chosen = StartOptions(start=folder / "start.npy", iterations=ITERATIONS, **options)
    return MultiscaleFWI(problem, chosen, RunContext(workdir=folder)).predict(np.ascontiguousarray(shots))


def test_half_without_illumination_is_not_made_worse(real_data: Path, tmp_path: Path) -> None:
    """Sources and receivers over the left half; before, the halves went from 374 and 514 to 472 and 575 m/s."""
    sources = tuple(Point(x=85.0 * i, z=10.0) for i in range(5))
    receivers = tuple(Point(x=10.0 * i, z=10.0) for i in range(35))
    survey = PROBLEM.survey.model_copy(update={"sources": sources, "receivers": receivers})
    model = window(real_data, 150, 900)
    start = line(model)
    found = invert(PROBLEM.model_copy(update={"survey": survey}), model, start, tmp_path)
    errors = [np.abs(maps - model[0, 0]) for maps in (start, found[0, 0])]
    halves = [(error[:, :35].mean(), error[:, 35:].mean()) for error in errors]
    print(f"left and right, start {halves[0]}, found {halves[1]} m/s")
    assert halves[1][1] <= halves[0][1]
    assert halves[1][0] < halves[0][0]


def test_good_start_is_not_made_worse(real_data: Path, tmp_path: Path) -> None:
    """A window in which a line over depth is 65 m/s off; before, it ended at 240 m/s."""
    model = window(real_data, 100, 300)
    start = line(model)
    found = invert(PROBLEM, model, start, tmp_path)
    before, after = (np.abs(maps - model[0, 0]).mean() for maps in (start, found[0, 0]))
    print(f"{before:.1f} to {after:.1f} m/s")
    assert after < before


def test_no_band_makes_a_smooth_truth_worse(real_data: Path, tmp_path: Path) -> None:
    model = window(real_data, 150, 900)
    with torch.no_grad():
        shots = np.ascontiguousarray(simulate(torch.from_numpy(model), PROBLEM).numpy())
    oracle = OracleFWI(PROBLEM, OracleOptions(iterations=ITERATIONS), RunContext(workdir=tmp_path))
    oracle.reveal(model)
    oracle.predict(shots)
    errors = [float(np.abs(one - model[0]).mean()) for one in oracle.traces[0].models.values()]
    print([round(error, 1) for error in errors])
    assert all(after <= before * 1.01 for before, after in pairwise(errors))
    assert errors[-1] < 0.5 * errors[0]
