import numpy as np
import pytest
import torch
from fwibench_baselines.fwi.bands import bands_of
from fwibench_baselines.fwi.discretisation import averaged, clipped, coarse, inversion_problem, resample, stable_steps
from fwibench_baselines.fwi.engine import Engine
from fwibench_baselines.fwi.grids import CELLS, FEWEST, LARGEST_FACTOR, THINNEST, coarse_grid, coarseness
from fwibench_baselines.fwi.options import InversionOptions

from fwibench.physics.acoustic import simulate
from fwibench.problem import Point, Problem
from tests.tolerances import rounding


@pytest.fixture(scope="module")
def wide(small: Problem) -> Problem:
    """A problem with a frame and a map that are large enough for coarse grids."""
    survey = small.survey.model_copy(update={"receivers": tuple(Point(x=20.0 * i, z=10.0) for i in range(30))})
    return small.model_copy(
        update={
            "grid": small.grid.model_copy(update={"nz": 41, "nx": 60}),
            "survey": survey,
            "physics": small.physics.model_copy(update={"pml_width": 10}),
        }
    )


def test_grids_become_finer_with_the_frequency_and_end_at_that_of_the_data(wide: Problem) -> None:
    factors = [coarseness(wide, corner, 8) for corner in bands_of(wide.survey, "auto")]
    assert factors == sorted(factors, reverse=True)
    assert factors[0] == LARGEST_FACTOR
    assert factors[-1] == 1


def test_shortest_wavelength_has_as_many_nodes_as_asked(wide: Problem) -> None:
    for corner in np.geomspace(0.5, 40, 30):
        spacing = coarseness(wide, corner, 8) * wide.grid.spacing
        if spacing > wide.grid.spacing:
            assert wide.property.low / (2 * corner) / spacing >= 8


def test_no_coarse_grids_if_none_are_asked_for_or_there_is_a_free_surface(wide: Problem) -> None:
    free = wide.model_copy(update={"physics": wide.physics.model_copy(update={"free_surface": True})})
    assert coarseness(wide, 1.0, 0) == coarseness(free, 1.0, 8) == coarseness(wide, None, 8) == 1
    assert coarse(wide, 1) is wide


def test_small_maps_stay_on_their_grid(wide: Problem) -> None:
    for rows in (2 * FEWEST - 1, 2 * FEWEST):
        shorter = wide.model_copy(update={"grid": wide.grid.model_copy(update={"nz": rows})})
        assert coarseness(shorter, 1.0, 8) == (2 if rows == 2 * FEWEST else 1)


def test_frame_is_set_up_for_waves_that_the_coarse_grid_resolves(wide: Problem) -> None:
    for frequency in (1.0, 100.0):
        physics = wide.physics.model_copy(update={"pml_freq": frequency})
        wider = coarse_grid(wide.model_copy(update={"physics": physics}), 2)
        wavelength = wide.property.low / wider.physics.pml_freq
        assert wavelength >= 0.999 * CELLS * wider.grid.spacing
        assert wider.physics.pml_freq <= frequency
    assert coarse_grid(wide, 1) is wide


@pytest.mark.parametrize("factor", [2, 3])
def test_averages_stay_below_the_velocity_that_is_stable(factor: int) -> None:
    for largest in np.linspace(4000, 5000, 50, dtype=np.float32):
        model = torch.full((1, 1, 13, 14), float(largest), requires_grad=True)
        means = averaged(model, factor)
        assert means.max() <= model.max()
        means.sum().backward()
        assert float(model.grad.sum()) == pytest.approx(means.numel(), rel=1e-3), "nodes at the bound can return"


def test_clipping_is_exact_and_lets_values_return() -> None:
    values = torch.linspace(-40_000, 50_000, 9973).requires_grad_()
    found = clipped(values, 1500.0, 4500.0)
    assert (float(found.detach().min()), float(found.detach().max())) == (1500.0, 4500.0)
    inside = (values > 1500) & (values < 4500)
    assert torch.equal(found[inside], values[inside])
    found.sum().backward()
    assert values.grad.eq(1).all()


@pytest.mark.parametrize("factor", [2, 3])
def test_coarse_grid_holds_all_of_the_map_and_its_time_step_is_stable(wide: Problem, factor: int) -> None:
    inner = inversion_problem(wide, None)
    wider = coarse(inner, factor)
    assert wider.grid.spacing == factor * inner.grid.spacing
    for length, before in zip(wider.grid.shape, inner.grid.shape, strict=True):
        assert (length - 2) * factor < before - 1 <= (length - 1) * factor
    duration = inner.survey.nt * inner.survey.dt
    assert wider.survey.nt * wider.survey.dt == pytest.approx(duration)
    assert wider.survey.nt >= stable_steps(wider, duration, wider.physics.courant_number)
    assert wider.physics.pml_width >= THINNEST


@pytest.mark.parametrize("factor", [2, 3])
def test_average_keeps_constants_and_mean_travel_time(factor: int) -> None:
    constant = torch.full((2, 1, 13, 20), 2345.0)
    assert torch.allclose(
        averaged(constant, factor), constant[:, :, ::factor, ::factor][:, :, :1, :1], rtol=rounding(9)
    )
    maps = 2000 + 500 * torch.rand((1, 1, 25, 25), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    inside = averaged(maps, factor).pow(-2)[:, :, 1:-1, 1:-1].mean()
    assert inside == pytest.approx(maps.pow(-2).mean().item(), rel=2e-2), "every node counts as often as the others"


@pytest.mark.parametrize("factor", [2, 3])
def test_gradient_of_the_average_is_that_of_finite_differences(factor: int) -> None:
    maps = (2000 + 100 * torch.rand((1, 1, 8, 11), dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(lambda velocity: averaged(velocity, factor) / 1000, maps)


def test_band_on_a_coarse_grid_sees_nearly_the_same_misfit_and_gradient(wide: Problem) -> None:
    inner = inversion_problem(wide, None)
    maps = np.full((1, 1, *wide.grid.shape), 1800.0, np.float32)
    maps[:, :, 15:] = 2400.0
    maps[:, :, 20:30, 20:40] = 3500.0
    with torch.no_grad():
        data = resample(simulate(torch.from_numpy(maps), wide).numpy(), inner.survey.nt)
    options = {"bands": "4/full", "shots": None, "tv": 0.0, "decrease": 0.0}
    found = []
    # the offset below which traces are left out is given in cells, and those of the coarse grid are twice as wide
    for nodes, mute in ((0.0, 4.0), (8.0, 2.0)):
        engine = Engine(inner, InversionOptions(**options, nodes=nodes, mute=mute), "cpu")
        objective = engine.objectives.of_band(data, torch.from_numpy(maps), 4.0)
        truth = float(objective(torch.from_numpy(maps)))
        wrong, gradient = engine.gradient(objective, torch.full(maps.shape, 2100.0, requires_grad=True))
        found.append((truth, float(wrong[0]), gradient.flatten()))
    (fine_truth, fine, fine_slope), (coarse_truth, coarse_misfit, coarse_slope) = found
    assert fine_truth < coarse_truth < 0.05 * fine, "the coarse grid makes errors that are small against the misfit"
    assert coarse_misfit == pytest.approx(fine, rel=0.1)
    assert torch.nn.functional.cosine_similarity(fine_slope, coarse_slope, dim=0) > 0.9
