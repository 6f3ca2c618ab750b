import numpy as np
import pytest
import torch
from fwibench_baselines.fwi.method import gradient_flops, simulation_flops
from fwibench_residual import ResidualOptions
from fwibench_residual.simulations import Simulations

from fwibench.methods.context import RunContext
from fwibench.testing.problems import Tiny

BANDS = "6/full"


def simulations(tiny: Tiny, inputs: str) -> Simulations:
    return Simulations(tiny.problem, ResidualOptions(inputs=inputs, bands=BANDS), "cpu")


def parts(one: Simulations, tiny: Tiny, first: np.ndarray) -> list[np.ndarray]:
    found = one.compare(tiny.test.measurements[: len(first)], first)
    return [part.numpy() for part in one.sizes.split(torch.from_numpy(found))]


@pytest.fixture(scope="module")
def mean(tiny: Tiny) -> np.ndarray:
    return np.repeat(tiny.train.properties[:].mean(0, keepdims=True), 2, 0)


def test_truth_leaves_less_of_the_data_than_a_wrong_map(tiny: Tiny, mean: np.ndarray) -> None:
    both = simulations(tiny, "both")
    right, wrong = (parts(both, tiny, first) for first in (tiny.test.properties[:2], mean))
    # the scheme differs from that of the data, so that the truth leaves a little
    assert (right[1] < 0.2 * wrong[1]).all()
    shots = tiny.problem.measurement_shape[0]
    measured, left = right[2][:, :shots], right[2][:, shots:]
    assert np.array_equal(measured, wrong[2][:, :shots])
    assert np.square(left).sum() < 0.04 * np.square(wrong[2][:, shots:]).sum()


def test_migrated_image_points_downhill(tiny: Tiny, mean: np.ndarray) -> None:
    one = simulations(tiny, "migrated")
    maps, misfits, _ = parts(one, tiny, mean)
    for band in range(2):
        # nodes move by 1 m/s on average, which is within the linear range
        moved = mean + maps[:, 1 + band : 2 + band]
        assert (parts(one, tiny, moved)[1][:, band] < misfits[:, band]).all()


def test_images_have_unit_size_and_are_muted_at_sources_and_edges(tiny: Tiny, mean: np.ndarray) -> None:
    maps, _, data = parts(simulations(tiny, "migrated"), tiny, mean)
    assert np.sqrt(np.square(maps[:, 1:]).mean((2, 3))) == pytest.approx(np.ones((2, 2)), rel=1e-4)
    for source in tiny.problem.survey.sources:
        assert not maps[:, 1:, round(source.z / 10), round(source.x / 10)].any()
    assert not maps[:, 1:, [0, -1]].any()
    assert not maps[:, 1:, :, [0, -1]].any()
    assert np.array_equal(maps[:, :1], np.asarray(tiny.problem.property.normalise(mean)))
    assert not data.size


def test_samples_do_not_influence_each_other(tiny: Tiny, mean: np.ndarray) -> None:
    both = simulations(tiny, "both")
    together = both.compare(tiny.test.measurements[:2], mean)
    apart = [both.compare(tiny.test.measurements[i : i + 1], mean[i : i + 1]) for i in range(2)]
    assert np.array_equal(together, np.concatenate(apart))


def test_silent_measurement_has_finite_inputs(tiny: Tiny, mean: np.ndarray) -> None:
    silent = np.zeros((1, *tiny.problem.measurement_shape), np.float32)
    assert np.isfinite(simulations(tiny, "both").compare(silent, mean[:1])).all()


def test_gradients_are_possible_in_inference_mode(tiny: Tiny, mean: np.ndarray) -> None:
    one = simulations(tiny, "migrated")
    expected = one.compare(tiny.test.measurements[:1], mean[:1])
    with torch.inference_mode():
        assert np.array_equal(one._compare(tiny.test.measurements[:1], mean[:1]), expected)


def test_stopped_simulations_return_the_first_samples(tiny: Tiny, mean: np.ndarray) -> None:
    one, answers = simulations(tiny, "migrated"), iter([False, True, True])
    whole = one.compare(tiny.test.measurements[:2], mean)
    some = one.compare(tiny.test.measurements[[0, 1, 0]], mean[[0, 1, 0]], lambda: next(answers))
    # samples are simulated side by side, so that any one of them may meet the deadline
    assert len(some) < 2
    assert np.array_equal(some, whole[: len(some)])
    assert one.compare(tiny.test.measurements[:2], mean, lambda: True).shape == (0, one.sizes.values)


def test_flops_are_those_of_gradients_and_simulations(tiny: Tiny, context: RunContext) -> None:
    found = {inputs: simulations(tiny, inputs) for inputs in ("data", "migrated", "both")}
    engine = found["both"].engine
    low, full = (engine.objectives.problem_of(corner) for corner in engine.bands)
    assert found["data"].flops() == simulation_flops(engine.problem)
    assert found["migrated"].flops() == gradient_flops(low) + gradient_flops(full)
    assert found["both"].flops() == found["data"].flops() + found["migrated"].flops()
