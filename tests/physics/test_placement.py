import numpy as np
import pytest
import torch

from fwibench.datasets.kimberlina.leakage import PROBLEM as LEAKAGE
from fwibench.datasets.salt.dataset import PROBLEM as SALT
from fwibench.errors import ProblemError
from fwibench.physics.acoustic import simulate
from fwibench.physics.placement import place, reached_rows
from fwibench.problem import AcousticPhysics, Grid, Point, Problem
from tests.tolerances import assert_same_signal, rounding


def small(depth: int, source: Point, receivers: list[Point], nt: int = 300) -> Problem:
    """A section 50 nodes wide, recorded for half a second."""
    survey = SALT.survey.model_copy(update={"sources": (source,), "receivers": tuple(receivers), "nt": nt})
    physics = AcousticPhysics(accuracy=4, pml_width=10, pml_freq=12.0, max_velocity=3000.0)
    return SALT.model_copy(update={"grid": Grid(nz=depth, nx=50, spacing=10.0), "survey": survey, "physics": physics})


def test_survey_on_nodes_is_not_changed() -> None:
    placed = place(SALT)
    assert placed.rows == 40
    assert placed.frame == (0, 0, 0, 0)
    assert placed.receiver_weights is None
    np.testing.assert_array_equal(placed.receiver_nodes, [[1, x] for x in range(60)])
    np.testing.assert_array_equal(placed.source_nodes[:, 0], [[1, x] for x in (0, 15, 30, 44, 59)])
    np.testing.assert_array_equal(placed.source_weights, np.ones((5, 1)))


def test_smooth_field_is_interpolated_between_nodes() -> None:
    placed = place(LEAKAGE)
    columns = placed.receiver_nodes[:, 1] - placed.frame[0]
    wave = np.cos(2 * np.pi * columns * 10.0 / 150.0)
    exact = np.cos(2 * np.pi * np.array([point.x for point in LEAKAGE.survey.receivers]) / 150.0)
    assert placed.receiver_weights is not None
    assert np.abs(placed.receiver_weights @ wave - exact).max() < 3e-3
    np.testing.assert_allclose(placed.receiver_weights.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(placed.source_weights.sum(1), 1, atol=1e-6)


def test_rows_out_of_reach_do_not_change_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    receivers = [Point(x=x, z=10) for x in range(0, 500, 70)]
    problem = small(200, Point(x=120, z=10), receivers)
    velocity = torch.full((1, 1, 200, 50), 2000.0)
    velocity[..., 40:, :] = 3000.0
    velocity[..., 90:, :] = 1500.0
    assert reached_rows(problem) == 81
    ours = simulate(velocity, problem)
    monkeypatch.setattr("fwibench.physics.placement.reached_rows", lambda problem: 200)
    place.cache_clear()
    whole = simulate(velocity, problem)
    place.cache_clear()
    assert_same_signal(ours, whole, rounding(terms=problem.survey.nt))
    assert reached_rows(small(200, Point(x=120, z=10), receivers, nt=900)) == 200


def test_position_between_nodes_has_an_intermediate_arrival_time() -> None:
    places = [Point(x=300, z=10), Point(x=305, z=10), Point(x=310, z=10)]
    problem = small(60, Point(x=101, z=5), places)
    traces = simulate(torch.full((1, 1, 60, 50), 2000.0), problem)[0, 0]
    before, between, after = (float((trace.abs() * torch.arange(300)).sum() / trace.abs().sum()) for trace in traces.T)
    assert before < between < after
    assert between == pytest.approx((before + after) / 2, abs=0.1)


def test_gradients_pass_through_the_frame_and_cut() -> None:
    problem = small(200, Point(x=101, z=5), [Point(x=x + 3, z=5) for x in range(0, 480, 60)])
    velocity = torch.full((2, 1, 200, 50), 2000.0, requires_grad=True)
    simulate(velocity, problem).square().sum().backward()
    assert velocity.grad is not None
    assert velocity.grad[:, :, :40].abs().max() > 0
    assert velocity.grad[:, :, reached_rows(problem) :].abs().max() == 0
    torch.testing.assert_close(velocity.grad[0], velocity.grad[1])


def test_position_outside_of_the_grid_is_rejected() -> None:
    with pytest.raises(ProblemError, match="outside the grid of 60 x 50 nodes"):
        place(small(60, Point(x=500, z=10), [Point(x=0, z=10)]))
