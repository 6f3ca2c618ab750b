import numpy as np
import pytest
import torch
from scipy.special import hankel2

from fwibench.datasets.kimberlina.leakage import PROBLEM as LEAKAGE
from fwibench.datasets.marmousi.dataset import PROBLEM as MARMOUSI
from fwibench.datasets.salt.dataset import PROBLEM
from fwibench.errors import ProblemError
from fwibench.physics.acoustic import simulate
from fwibench.physics.parallel import simulate_each
from fwibench.physics.wavelets import sample_wavelet
from fwibench.problem import Grid, Point, Problem


def salt_like(*, spacing: float = 10.0, **physics: object) -> Problem:
    """The salt survey on a 400 m x 600 m section of any spacing."""
    grid = Grid(nz=round(400 / spacing), nx=round(600 / spacing), spacing=spacing)
    return PROBLEM.model_copy(update={"grid": grid, "physics": PROBLEM.physics.model_copy(update=physics)})


def with_places(problem: Problem, sources: list[Point], receivers: list[Point]) -> Problem:
    survey = problem.survey.model_copy(update={"sources": tuple(sources), "receivers": tuple(receivers)})
    return problem.model_copy(update={"survey": survey})


def homogeneous(problem: Problem, velocity: float) -> torch.Tensor:
    return torch.full((1, *problem.property_shape), velocity)


def layered(problem: Problem) -> torch.Tensor:
    depth = torch.linspace(1600.0, 3800.0, problem.grid.nz)[:, None]
    ripple = 200 * torch.sin(torch.arange(problem.grid.nx) / 7.0)[None]
    return (depth + ripple).clamp(1500, 4500)[None, None]


def green(problem: Problem, velocity: float) -> np.ndarray:
    """Pressure of a point source in a homogeneous full space, by the 2-D Green's function, `(S, T, R)`."""
    survey, padded = problem.survey, 16 * problem.survey.nt
    spectrum = np.fft.rfft(sample_wavelet(survey).astype(float), padded)
    omega = 2 * np.pi * np.fft.rfftfreq(padded, survey.dt)
    shots = []
    for source in survey.sources:
        distance = np.array([np.hypot(r.x - source.x, r.z - source.z) for r in survey.receivers])
        with np.errstate(invalid="ignore"):
            response = -0.25j * hankel2(0, omega[:, None] * distance / velocity)
        response[0] = 0
        traces = np.fft.irfft(spectrum[:, None] * response, padded, axis=0)[: survey.nt]
        shots.append(traces * problem.grid.spacing**2)
    return np.stack(shots)


def error_against_green(problem: Problem, velocity: float) -> float:
    recorded = simulate(homogeneous(problem, velocity), problem)[0].numpy()
    exact = green(problem, velocity)
    return float(np.linalg.norm(recorded - exact) / np.linalg.norm(exact))


def far_receivers(problem: Problem) -> Problem:
    return with_places(problem, [Point(x=50, z=200)], [Point(x=x, z=200) for x in range(150, 560, 50)])


def test_order_4_agrees_with_the_greens_function() -> None:
    assert error_against_green(far_receivers(salt_like(accuracy=4, pml_width=20)), 3000.0) < 5e-3


def test_the_dataset_setting_agrees_with_the_greens_function() -> None:
    assert error_against_green(far_receivers(PROBLEM), 3000.0) < 5e-3
    assert error_against_green(far_receivers(PROBLEM), 1500.0) < 2e-2


def test_marmousi_agrees_with_the_greens_function() -> None:
    placed = with_places(MARMOUSI, [Point(x=50, z=350)], [Point(x=x, z=350) for x in range(150, 680, 50)])
    assert error_against_green(placed, 1500.0) < 4e-2
    assert error_against_green(placed, 3000.0) < 2e-2


@pytest.mark.parametrize(
    ("accuracy", "velocity", "tolerance"), [(4, 3000.0, 5e-3), (6, 3000.0, 5e-3), (6, 1500.0, 1e-2)]
)
def test_leakage_agrees_with_the_greens_function_at_places_between_nodes(
    accuracy: int, velocity: float, tolerance: float
) -> None:
    # a part of the site that is wide enough for its 1.25 s, at the survey's own depths and intervals
    section = LEAKAGE.model_copy(update={"grid": Grid(nz=60, nx=141, spacing=10.0)})
    section = section.model_copy(update={"physics": LEAKAGE.physics.model_copy(update={"accuracy": accuracy})})
    sources, receivers = LEAKAGE.survey.sources[1:2], LEAKAGE.survey.receivers[20:70:3]
    assert error_against_green(with_places(section, list(sources), list(receivers)), velocity) < tolerance


def test_halving_the_spacing_improves_order_4_more_than_8_times() -> None:
    coarse = error_against_green(far_receivers(salt_like(accuracy=4, pml_width=20)), 1500.0)
    fine = error_against_green(far_receivers(salt_like(spacing=5.0, accuracy=4, pml_width=40)), 1500.0)
    # both carry the same floor of time step and absorbing layer; the stencil's own error is what shrinks
    assert fine < coarse / 8


def test_source_and_receiver_can_be_exchanged() -> None:
    a, b = Point(x=100, z=10), Point(x=470, z=10)
    there = with_places(PROBLEM, [a], [b])
    back = with_places(PROBLEM, [b], [a])
    model = layered(PROBLEM)
    forth, home = simulate(model, there), simulate(model, back)
    assert torch.linalg.norm(forth - home) / torch.linalg.norm(forth) < 1e-3


def test_absorbing_layer_agrees_with_a_padded_model() -> None:
    pad = 70
    model = layered(PROBLEM)
    wide = torch.nn.functional.pad(model, (pad, pad, pad, pad), mode="replicate")

    def shift(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple(Point(x=p.x + 10 * pad, z=p.z + 10 * pad) for p in points)

    survey = PROBLEM.survey.model_copy(
        update={"sources": shift(PROBLEM.survey.sources), "receivers": shift(PROBLEM.survey.receivers)}
    )
    padded = PROBLEM.model_copy(update={"grid": Grid(nz=40 + 2 * pad, nx=60 + 2 * pad, spacing=10.0), "survey": survey})
    ours, reference = simulate(model, PROBLEM), simulate(wide, padded)
    assert torch.linalg.norm(ours - reference) / torch.linalg.norm(reference) < 3e-3


def test_data_of_a_model_do_not_depend_on_the_batch() -> None:
    slow, fast = layered(PROBLEM), homogeneous(PROBLEM, 4500.0)
    together = simulate(torch.cat([slow, fast]), PROBLEM)
    assert torch.equal(together[0], simulate(slow, PROBLEM)[0])
    assert torch.equal(together[1], simulate(fast, PROBLEM)[0])


def test_thread_pool_equals_a_loop() -> None:
    maps = [(layered(PROBLEM) + 100 * k).clamp(max=4500)[0].numpy() for k in range(3)]
    for recorded, velocity in zip(simulate_each(maps, PROBLEM), maps, strict=True):
        np.testing.assert_array_equal(recorded, simulate(torch.from_numpy(velocity[None]), PROBLEM)[0])


def test_gradients_flow_to_the_velocity() -> None:
    model = layered(PROBLEM).requires_grad_()
    simulate(model, PROBLEM).square().sum().backward()
    assert model.grad is not None
    assert torch.isfinite(model.grad).all()
    assert model.grad.abs().max() > 0


@pytest.mark.parametrize("velocity", [4501.0, float("nan")])
def test_velocity_above_max_velocity_is_rejected(velocity: float) -> None:
    with pytest.raises(ProblemError, match="set up for at most 4500"):
        simulate(homogeneous(PROBLEM, velocity), PROBLEM)


def test_wrong_shape_is_rejected() -> None:
    with pytest.raises(ProblemError, match=r"expected \(n, 1, 40, 60\)"):
        simulate(torch.full((1, 1, 60, 40), 2000.0), PROBLEM)
