import numpy as np
import pytest
from scipy.special import kv

from fwibench.datasets.kimberlina.reservoir import PROBLEM
from fwibench.errors import ProblemError
from fwibench.physics.electromagnetic import MU, Linearisation, simulate
from fwibench.physics.meshes import cell_edges, interpolation, nested_dissection, overlaps
from fwibench.physics.parallel import simulate_each
from fwibench.problem import Grid, Point, Problem
from tests.tolerances import assert_same_signal, rounding

LOW, HIGH = (0.1, 0.654, 1.22), (2.29, 8.0)
STORED = rounding(terms=100)
"""Fields are solved in float64, with errors far below this, and returned in float32."""


def section(
    *,
    nz: int = 101,
    nx: int = 101,
    frequencies: tuple[float, ...] = HIGH,
    sources: tuple[tuple[float, float], ...] = ((500.0, 200.0),),
    receivers: tuple[tuple[float, float], ...] = tuple((500.0, 500.0 + 50 * i) for i in range(10)),
    **physics: object,
) -> Problem:
    """A section of the dataset's setting without air; places are (z, x) in metres."""
    survey = PROBLEM.survey.model_copy(
        update={
            "sources": tuple(Point(z=z, x=x) for z, x in sources),
            "receivers": tuple(Point(z=z, x=x) for z, x in receivers),
            "frequencies": frequencies,
        }
    )
    setting = PROBLEM.physics.model_copy(update={"air": False, **physics})
    grid = Grid(nz=nz, nx=nx, spacing=10.0)
    amplitude = PROBLEM.amplitude.model_copy(update={"rows": ()})
    return PROBLEM.model_copy(update={"grid": grid, "survey": survey, "physics": setting, "amplitude": amplitude})


def homogeneous(problem: Problem, conductivity: float) -> np.ndarray:
    return np.full((1, *problem.property_shape), conductivity, np.float32)


def blocky(problem: Problem, number: int = 0) -> np.ndarray:
    """Blocks of 200 m, so that meshes of 20 and 40 m cells can both hold them nearly exactly."""
    blocks = np.random.default_rng(number).uniform(0.05, 0.4, (problem.grid.nz // 20 + 1, problem.grid.nx // 20 + 1))
    rows, columns = np.arange(problem.grid.nz) // 20, np.arange(problem.grid.nx) // 20
    return blocks[rows][:, columns][None, None].astype(np.float32)


def field(model: np.ndarray, problem: Problem) -> np.ndarray:
    """Complex field `(S, F, R)` of one model."""
    recorded = simulate(model, problem)[0].astype(float)
    return recorded[:, 0::2] + 1j * recorded[:, 1::2]


def full_space(problem: Problem, conductivity: float) -> np.ndarray:
    """Field of a line current in a full space, -i w mu K0(k r) / 2 pi, `(S, F, R)`."""
    survey = problem.survey
    radius = np.array([[np.hypot(r.x - s.x, r.z - s.z) for r in survey.receivers] for s in survey.sources])
    factor = 2j * np.pi * np.array(survey.frequencies)[:, None] * MU
    return -factor / (2 * np.pi) * kv(0, np.sqrt(factor * conductivity) * radius[:, None, :])


def half_space(problem: Problem, conductivity: float) -> np.ndarray:
    """Field at the surface of a half space under air of a line current below, `(S, F, R)`.

    E = -i w mu / pi times the integral over l > 0 of exp(-u z) cos(l x) / (u + l), u^2 = l^2 + i w mu sigma.
    """
    out = np.empty(
        (len(problem.survey.sources), *np.shape(problem.survey.frequencies), problem.survey.shape[2]), complex
    )
    for s, source in enumerate(problem.survey.sources):
        wavenumber = np.linspace(0, 40 / source.z, 20001)
        for f, frequency in enumerate(problem.survey.frequencies):
            factor = 2j * np.pi * frequency * MU
            u = np.sqrt(wavenumber**2 + factor * conductivity)
            for r, receiver in enumerate(problem.survey.receivers):
                integrand = np.exp(-u * source.z) / (u + wavenumber) * np.cos(wavenumber * (receiver.x - source.x))
                out[s, f, r] = -factor / np.pi * np.trapezoid(integrand, wavenumber)
    return out


def error(ours: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Relative error of each frequency."""
    return np.linalg.norm(ours - exact, axis=(0, 2)) / np.linalg.norm(exact, axis=(0, 2))


@pytest.mark.parametrize("conductivity", [0.05, 0.3])
def test_the_field_of_a_line_current_in_a_full_space(conductivity: float) -> None:
    # long paths, over which the mesh's dispersion adds up
    far = {"nx": 351, "receivers": tuple((500.0, 1000.0 + 100 * i) for i in range(20))}
    for frequencies, tolerance in ((HIGH, 0.01), (LOW, 0.02)):
        problem = section(frequencies=frequencies, **far)
        ours = field(homogeneous(problem, conductivity), problem)
        assert (error(ours, full_space(problem, conductivity)) < tolerance).all()


def test_the_field_at_the_surface_of_a_half_space_under_air() -> None:
    surface = tuple((0.0, 200.0 * i) for i in range(11))
    for frequencies in (LOW, HIGH):
        problem = section(
            nz=201, nx=201, frequencies=frequencies, sources=((1800.0, 600.0),), receivers=surface, air=True
        )
        ours = field(homogeneous(problem, 0.1), problem)
        assert (error(ours, half_space(problem, 0.1)) < 0.015).all()


def test_smaller_cells_reduce_the_error_of_the_field() -> None:
    # beyond the survey's frequencies, where the cells inside and not the padding's make the error
    errors = []
    for cell in (40.0, 20.0, 10.0):
        problem = section(fine_cell=cell, frequencies=(30.0,), padding=4000.0)
        errors.append(float(error(field(homogeneous(problem, 0.4), problem), full_space(problem, 0.4))[0]))
    assert errors[0] > 3 * errors[1] > 3**2 * errors[2]


def test_coarse_cells_agree_with_grid_cells_in_a_heterogeneous_section() -> None:
    for frequencies, tolerance in ((HIGH, 0.02), (LOW, 0.03)):
        ours, reference = (
            section(frequencies=frequencies, air=True, receivers=tuple((0.0, 100.0 * i) for i in range(11)), **cells)
            for cells in ({}, {"fine_cell": 10.0, "coarse_cell": 10.0})
        )
        model = blocky(ours)
        assert (error(field(model, ours), field(model, reference)) < tolerance).all()


def test_the_padding_is_wide_enough_at_the_lowest_frequency() -> None:
    """10 km are without air; in air the field falls off more slowly."""
    surface = tuple((0.0, 100.0 * i) for i in range(11))
    for air, enough, wide, tolerance in ((False, 10_000.0, 60_000.0, 0.01), (True, 30_000.0, 200_000.0, 0.01)):
        ours, reference = (
            section(frequencies=(0.1,), receivers=surface, air=air, padding=padding) for padding in (enough, wide)
        )
        model = blocky(ours)
        assert error(field(model, ours), field(model, reference))[0] < tolerance


def test_source_and_receiver_can_be_exchanged() -> None:
    a, b = (307.0, 213.0), (44.0, 871.0)
    there, back = section(sources=(a,), receivers=(b,)), section(sources=(b,), receivers=(a,))
    model = blocky(there)
    assert (error(field(model, there), field(model, back)) < STORED).all()


def test_data_of_a_section_do_not_depend_on_the_batch() -> None:
    problem = section(nz=31, nx=41)
    models = np.concatenate([blocky(problem, k) for k in range(3)])
    together = simulate(models, problem)
    assert_same_signal(simulate(models[::-1], problem)[::-1], together, STORED)
    for recorded, alone in zip(simulate_each([*models], problem), together, strict=True):
        assert_same_signal(recorded, alone, STORED)


def test_survey_determines_shape_and_order_of_rows() -> None:
    problem = section(nz=31, nx=41, frequencies=LOW + HIGH, sources=((100.0, 100.0), (200.0, 300.0)))
    recorded = simulate(blocky(problem), problem)
    assert recorded.shape == (1, *problem.measurement_shape) == (1, 2, 10, 10)
    assert recorded.dtype == np.float32
    # at low frequency the field is nearly -i w mu I times a real number: the imaginary part leads
    assert (recorded[0, :, 1] < 0).all()
    assert (np.abs(recorded[0, :, 1]) > np.abs(recorded[0, :, 0])).all()


def test_cell_has_the_mean_conductivity_of_its_area() -> None:
    np.testing.assert_allclose(cell_edges(35.0, 20.0, 50.0), [-67.2, -28.0, 0.0, 20.0, 40.0, 68.0, 107.2])
    share = overlaps(np.array([-30.0, 0.0, 20.0, 40.0]), 4, 10.0)
    np.testing.assert_allclose(share, [[1, 0, 0, 0], [0.25, 0.5, 0.25, 0], [0, 0, 0.25, 0.75]])


def test_interpolation_is_exact_for_a_bilinear_function() -> None:
    depth, along = np.array([0.0, 1.0, 3.0, 4.0]), np.array([0.0, 2.0, 3.0, 7.0])
    z, x = ((edges[1:] + edges[:-1]) / 2 for edges in (depth, along))
    values = (1 + 2 * z[:, None]) * (3 - x[None])
    at = [(0.7, 1.5), (2.9, 4.0)]
    np.testing.assert_allclose(interpolation(depth, along, at) @ values.ravel(), [(1 + 2 * a) * (3 - b) for a, b in at])


def test_nested_dissection_contains_every_cell_once() -> None:
    order = nested_dissection(np.arange(7 * 12).reshape(7, 12))
    assert sorted(order) == list(range(84))
    assert sorted(order[-7:]) == list(range(6, 84, 12)), "the line through the middle comes last"


def test_linearisation_returns_the_data_of_simulate() -> None:
    problem = section(nz=31, nx=41, frequencies=LOW + HIGH, sources=((100.0, 100.0), (200.0, 300.0)), air=True)
    model = blocky(problem)
    data, _ = Linearisation(model[0], problem).at(model[0], model[0])
    assert_same_signal(data, simulate(model, problem)[0], STORED)


def test_linearisation_returns_the_derivatives_of_the_data() -> None:
    """Central differences of two steps, extrapolated to none, are off by the fourth power of the step."""
    problem = section(nz=31, nx=41, frequencies=LOW + HIGH, sources=((100.0, 100.0), (200.0, 300.0)), air=True)
    # in float64: in float32 the steps are off by more than that
    model, step = blocky(problem)[0].astype(float), 0.01
    directions = np.stack([model * (np.arange(41) < 13), -model * (np.arange(31) > 20)[:, None]])[:, 0]
    linear = Linearisation(directions, problem)

    def field_of(changed: np.ndarray) -> np.ndarray:
        return linear.at(changed, changed)[0]

    _, derivatives = linear.at(model, np.ones_like(model))
    assert derivatives.shape == (*problem.measurement_shape, 2)
    for number, direction in enumerate(directions):
        near, far = (
            (field_of(model + size * direction) - field_of(model - size * direction)) / (2 * size)
            for size in (step, 2 * step)
        )
        expected = near + (near - far) / 3
        for row in range(problem.measurement_shape[1]):
            assert_same_signal(derivatives[:, row, :, number], expected[:, row], STORED)


def test_weights_multiply_the_directions_of_a_linearisation() -> None:
    problem = section(nz=31, nx=41, air=True)
    model, even = blocky(problem)[0], np.full((1, 31, 41), 0.1, np.float32)
    weights = np.random.default_rng(0).uniform(0, 2, (1, 31, 41)).astype(np.float32)
    _, found = Linearisation(even, problem).at(model, weights)
    _, expected = Linearisation(even * weights, problem).at(model, np.ones_like(model))
    assert_same_signal(found, expected, STORED)


@pytest.mark.parametrize("value", [0.0, -0.1, float("nan"), float("inf")])
def test_invalid_conductivity_is_rejected(value: float) -> None:
    problem = section(nz=31, nx=41)
    with pytest.raises(ProblemError, match="finite and above 0"):
        simulate(homogeneous(problem, value), problem)


def test_wrong_shape_or_physics_is_rejected() -> None:
    problem = section(nz=31, nx=41)
    with pytest.raises(ProblemError, match=r"expected \(n, 1, 31, 41\)"):
        simulate(np.full((1, 1, 41, 31), 0.1, np.float32), problem)
    other = problem.model_copy(update={"physics": None})
    with pytest.raises(ProblemError, match="no physics"):
        list(simulate_each([homogeneous(problem, 0.1)[0]], other))
    with pytest.raises(ProblemError, match="no electromagnetic physics"):
        simulate(homogeneous(problem, 0.1), other)
    with pytest.raises(ProblemError, match="no electromagnetic physics"):
        Linearisation(np.ones((1, 31, 41), np.float32), other)
    with pytest.raises(ProblemError, match="finite and above 0"):
        Linearisation(np.ones((1, 31, 41), np.float32), problem).at(
            homogeneous(problem, 0.0)[0], homogeneous(problem, 1.0)[0]
        )
