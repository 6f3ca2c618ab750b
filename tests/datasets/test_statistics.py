import numpy as np
import pytest

from fwibench.datasets.statistics import describe_maps, least_step


def test_layers_are_steps_of_a_column_plus_one() -> None:
    section = np.full((6, 4), 2000.0)
    section[2:] = 2300
    section[4:, :2] = 4400
    found = describe_maps(section[None, None], step=1.0, above=4300)
    assert found.layers == pytest.approx(1 + (2 + 2 + 1 + 1) / 4)
    assert found.median_jump == 300, "of the jumps 300 four times and 2100 twice"
    assert found.share_above == pytest.approx(4 / 24)
    assert found.mean == pytest.approx(section.mean())
    assert found.deviation == pytest.approx(section.std())
    assert found.gradients == tuple(np.percentile([0] * 14 + [300] * 4 + [2100] * 2, (50, 75, 90, 99)))


def test_smooth_edge_counts_as_several_steps() -> None:
    sharp = np.repeat([2000.0, 2300.0], 5)[:, None]
    smooth = np.array([2000.0] * 4 + [2040, 2260] + [2300.0] * 4)[:, None]
    assert describe_maps(sharp, step=1.0)[2:4] == (2, 300)
    assert describe_maps(smooth, step=1.0)[2:4] == (4, 40)


def test_changes_up_to_step_do_not_count() -> None:
    section = np.array([[2000.0], [2001.0], [2003.0]])
    assert describe_maps(section, step=1.0)[2:4] == (2, 2)
    assert describe_maps(section, step=5.0)[2:4] == (1, 0)


def test_least_step_of_velocities_is_one_metre_per_second() -> None:
    assert least_step(1500, 4500) == 1


@pytest.mark.parametrize("shape", [(0, 5, 5), (3, 1, 5), (5,)])
def test_maps_without_neighbours_raise(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two rows or more"):
        describe_maps(np.zeros(shape), step=1.0)
