"""What a survey may have beyond one Ricker wavelet and one line of receivers below an absorbing top."""

import numpy as np
import pytest
import torch

from fwibench.datasets.details import describe_problem
from fwibench.datasets.salt.dataset import PROBLEM as SALT
from fwibench.physics.acoustic import simulate
from fwibench.physics.wavelets import sample_wavelet
from fwibench.problem import AcousticPhysics, Grid, Point, Problem, Ricker, SampledWavelet, SeismicSurvey
from fwibench.report.pictures import along
from tests.tolerances import assert_same_signal, rounding

ROWS, COLUMNS, SPACING, NT, DT = 24, 41, 10.0, 300, 1e-3
STEPS = 600
"""Inner time steps of a record; rounding errors of the field add up over them."""


def make_problem(
    sources: list[Point], receivers: list[Point], rows: int = ROWS, nt: int = NT, **physics: object
) -> Problem:
    values = {"accuracy": 4, "pml_width": 10, "pml_freq": 15.0, "max_velocity": 3000.0, **physics}
    survey = SeismicSurvey(
        sources=tuple(sources),
        receivers=tuple(receivers),
        nt=nt,
        dt=DT,
        wavelet=Ricker(frequency=15.0, delay=0.07),
    )
    grid = Grid(nz=rows, nx=COLUMNS, spacing=SPACING)
    return SALT.model_copy(update={"grid": grid, "survey": survey, "physics": AcousticPhysics(**values)})


def with_survey(problem: Problem, **changes: object) -> Problem:
    return problem.model_copy(update={"survey": problem.survey.model_copy(update=changes)})


def layers(rows: int = ROWS) -> torch.Tensor:
    """A slow layer over a fast one, with velocities that change along x, so that no symmetry hides a fault."""
    velocity = torch.full((rows, COLUMNS), 1800.0) + 5.0 * torch.arange(COLUMNS)
    velocity[rows // 2 :] += 700.0
    return velocity[None, None]


def record(problem: Problem, velocity: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return simulate(velocity, problem)[0].numpy()


@pytest.mark.parametrize("accuracy", [4, 8])
@pytest.mark.parametrize("depths", [(0.0, 10.0), (20.0, 0.0), (4.0, 17.0), (0.0, 3.0)])
def test_free_surface_equals_a_mirrored_model_with_a_negative_mirrored_source(
    accuracy: int, depths: tuple[float, float]
) -> None:
    source, receiver = depths
    along = [Point(x=x, z=receiver) for x in (30.0, 110.0, 205.0, 330.0)]
    problem = make_problem([Point(x=120.0, z=source)], along, accuracy=accuracy, free_surface=True)
    velocity = layers()
    # the plane of zero pressure is the row between the halves; its own velocity has no effect on an odd field
    plane = torch.full((1, 1, 1, COLUMNS), 2000.0)
    mirrored = torch.cat([velocity.flip(2), plane, velocity], 2)
    surface = ROWS * SPACING
    images = make_problem(
        [Point(x=120.0, z=surface + SPACING + source), Point(x=120.0, z=surface - SPACING - source)],
        [Point(x=place.x, z=surface + SPACING + place.z) for place in along],
        rows=2 * ROWS + 1,
        accuracy=accuracy,
    )
    direct, image = record(images, mirrored)
    assert np.abs(image).max() > 0.3 * np.abs(direct).max(), "the image must matter"
    assert_same_signal(record(problem, velocity)[0], direct - image, rounding(STEPS, condition=10))


def test_free_surface_reflects_with_reversed_polarity_at_the_time_of_its_path() -> None:
    source, receiver = Point(x=200.0, z=150.0), Point(x=200.0, z=190.0)
    velocity = torch.full((1, 1, ROWS, COLUMNS), 2000.0)
    difference = record(make_problem([source], [receiver], free_surface=True), velocity)[0, :, 0]
    absorbing = record(make_problem([source], [receiver]), velocity)[0, :, 0]
    reflection = difference - absorbing
    # to the surface one cell above row 0, and down again
    path = source.z + receiver.z + 2 * SPACING
    direct = receiver.z - source.z
    lag = round((path - direct) / 2000.0 / DT)
    shifted = np.zeros_like(absorbing)
    shifted[lag:] = absorbing[:-lag]
    # 2-D waves spread with the square root of distance and change their shape a little in the near field
    assert np.corrcoef(reflection, shifted)[0, 1] < -0.97
    assert np.abs(reflection).max() == pytest.approx(np.abs(absorbing).max() * np.sqrt(direct / path), rel=0.2)


@pytest.mark.parametrize("free_surface", [False, True])
def test_source_and_receiver_at_different_depths_can_be_exchanged(free_surface: bool) -> None:
    # both in the same velocity, since the source is scaled by the squared velocity at its node
    velocity = layers()
    velocity[..., :4, :] = 1900.0
    a, b = Point(x=50.0, z=0.0), Point(x=320.0, z=30.0)
    forth = record(make_problem([a], [b], free_surface=free_surface), velocity)
    back = record(make_problem([b], [a], free_surface=free_surface), velocity)
    assert_same_signal(forth, back, 1e-3)


@pytest.mark.parametrize("shift", [0.0, 3.0], ids=["on nodes", "between nodes"])
def test_moving_receivers_equal_shots_simulated_alone(shift: float) -> None:
    sources = [Point(x=40.0, z=0.0), Point(x=150.0, z=10.0), Point(x=260.0, z=0.0)]
    # the last shot stands on nodes in both cases, so that shots need different numbers of nodes
    shifts = (shift, shift, 0.0)
    spreads = [
        tuple(Point(x=source.x + 20.0 * k + by, z=10.0) for k in range(1, 6))
        for source, by in zip(sources, shifts, strict=True)
    ]
    problem = make_problem(sources, list(spreads[0]))
    moving = with_survey(problem, shot_receivers=tuple(spreads))
    velocity = torch.cat([layers(), layers() + 200.0])
    with torch.no_grad():
        together = simulate(velocity, moving).numpy()
    assert together.shape == (2, 3, NT, 5)
    for shot, (source, spread) in enumerate(zip(sources, spreads, strict=True)):
        for model in range(2):
            alone = record(make_problem([source], list(spread)), velocity[model : model + 1])[0]
            assert_same_signal(together[model, shot], alone, rounding(STEPS))
    one = moving.model_copy(update={"survey": moving.survey.with_shots([2, 0])})
    assert_same_signal(record(one, velocity[:1]), together[0, [2, 0]], rounding(STEPS))


def test_same_receivers_for_every_shot_equal_the_shared_ones() -> None:
    sources = [Point(x=40.0, z=0.0), Point(x=150.0, z=0.0)]
    problem = make_problem(sources, [Point(x=x, z=10.0) for x in range(0, 400, 50)])
    listed = with_survey(problem, shot_receivers=(problem.survey.receivers,) * 2)
    np.testing.assert_array_equal(record(listed, layers()), record(problem, layers()))


def test_two_receivers_may_share_a_position() -> None:
    problem = make_problem([Point(x=40.0, z=0.0)], [Point(x=x, z=10.0) for x in (100.0, 100.0, 200.0)])
    first, second, other = record(problem, layers())[0].T
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_amplitudes_are_linear_in_the_source_scale() -> None:
    problem = make_problem([Point(x=100.0, z=0.0)], [Point(x=300.0, z=0.0)])
    scaled = make_problem([Point(x=100.0, z=0.0)], [Point(x=300.0, z=0.0)], source_scale=-2.5e3)
    assert_same_signal(record(scaled, layers()), -2.5e3 * record(problem, layers()), rounding(STEPS))
    given = torch.from_numpy(sample_wavelet(problem.survey))
    with torch.no_grad():
        np.testing.assert_array_equal(simulate(layers(), scaled, wavelet=given)[0], record(scaled, layers()))


def test_sampled_wavelet_equals_the_ricker_it_was_sampled_from() -> None:
    problem = make_problem([Point(x=100.0, z=0.0)], [Point(x=300.0, z=0.0)])
    samples = tuple(map(float, sample_wavelet(problem.survey)))
    whole = with_survey(problem, wavelet=SampledWavelet(samples=samples, frequency=15.0, delay=0.07))
    np.testing.assert_array_equal(record(whole, layers()), record(problem, layers()))
    # zero after its last sample: the tail of this Ricker is below 1e-6 of its peak after 0.15 s
    short = with_survey(problem, wavelet=SampledWavelet(samples=samples[:151], frequency=15.0, delay=0.07))
    assert_same_signal(record(short, layers()), record(problem, layers()), 1e-5)


def test_description_contains_wavelet_scale_surface_and_moving_receivers() -> None:
    sources = [Point(x=40.0, z=0.0), Point(x=150.0, z=0.0)]
    problem = make_problem(sources, [Point(x=50.0, z=5.0)], free_surface=True, source_scale=-1000.0)
    moving = tuple((Point(x=source.x + 10.0, z=5.0),) for source in sources)
    wavelet = SampledWavelet(samples=(0.0, 1.0, 0.5), frequency=20.0, delay=0.001)
    facts = dict(describe_problem(with_survey(problem, shot_receivers=moving, wavelet=wavelet)))
    assert facts["wavelet"] == "3 samples, strongest at 20 Hz, peak at 1 ms"
    assert "move with the source" in facts["receivers"]
    assert "(160, 5)" in facts["receivers"]
    assert "free_surface True" in facts["physics"]
    assert "source_scale -1000" in facts["physics"]
    assert "Ricker 15 Hz" in dict(describe_problem(problem))["wavelet"]


def test_pictures_place_the_receivers_of_the_source_they_show() -> None:
    sources = [Point(x=40.0, z=0.0), Point(x=150.0, z=0.0)]
    spreads = tuple(tuple(Point(x=source.x + offset, z=5.0) for offset in (10.0, 20.0)) for source in sources)
    survey = make_problem(sources, list(spreads[0])).survey.model_copy(update={"shot_receivers": spreads})
    np.testing.assert_allclose(along(survey), [0.05, 0.06])
    np.testing.assert_allclose(along(survey, 1), [0.16, 0.17])
