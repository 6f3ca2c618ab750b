import pytest
from fwibench_residual.symmetry import is_symmetric

from fwibench.problem import Point, Problem
from fwibench.testing.problems import Tiny


def with_places(problem: Problem, sources: list[float], receivers: list[float], **survey: object) -> Problem:
    places = {"sources": sources, "receivers": receivers}
    points = {name: tuple(Point(x=x, z=10.0) for x in each) for name, each in places.items()}
    return problem.model_copy(update={"survey": problem.survey.model_copy(update=points | survey)})


@pytest.mark.parametrize(
    ("sources", "receivers", "expected"),
    [
        ([0, 1], [0, 0.5, 1], True),
        ([1, 0], [0, 0.5, 1], True),
        ([0, 1], [0, 0.25, 0.75], False),
        ([0, 0.6], [0, 1], False),
        ([0.5], [0.2, 0.8], True),
    ],
)
def test_places_are_compared_with_those_from_the_other_end(
    tiny: Tiny, sources: list[float], receivers: list[float], expected: bool
) -> None:
    length = tiny.problem.grid.spacing * (tiny.problem.grid.nx - 1)
    assert length >= 10 * tiny.problem.grid.spacing, "differences of the places exceed a grid spacing"
    places = [[share * length for share in each] for each in (sources, receivers)]
    assert is_symmetric(with_places(tiny.problem, *places)) == expected


def test_places_may_be_off_by_a_grid_spacing(tiny: Tiny) -> None:
    spacing = tiny.problem.grid.spacing
    length = spacing * (tiny.problem.grid.nx - 1)
    assert is_symmetric(with_places(tiny.problem, [spacing, length], [0, length]))
    assert not is_symmetric(with_places(tiny.problem, [1.1 * spacing, length], [0, length]))


def test_receivers_move_with_the_mirrored_shot(tiny: Tiny) -> None:
    length = tiny.problem.grid.spacing * (tiny.problem.grid.nx - 1)
    left, right = ((0.0, 0.4), (0.6, 1.0))
    for second, expected in ((right, True), (left, False)):
        moving = tuple(tuple(Point(x=share * length, z=10.0) for share in each) for each in (left, second))
        problem = with_places(tiny.problem, [0.0, length], [0.0, length], shot_receivers=moving)
        assert is_symmetric(problem) == expected
