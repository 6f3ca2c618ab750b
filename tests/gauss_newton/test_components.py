import numpy as np
from fwibench_gauss_newton.components import Components, learn_components

from fwibench.testing.problems import tiny_maps
from tests.tolerances import rounding

MAPS = tiny_maps("em")
COUNT, (NZ, NX) = len(MAPS), MAPS.shape[-2:]
SUMMED = rounding(terms=COUNT * NX)
"""Relative error of components: sums over maps and columns in float32."""


def unexplained(map_: np.ndarray, components: Components) -> float:
    """Share of a map's energy about the mean that no sum of components holds."""
    basis = components.maps.reshape(len(components.maps), -1).T.astype(float)
    change = (map_ - components.mean).ravel()
    left = change - basis @ np.linalg.lstsq(basis, change, rcond=None)[0]
    return float(left @ left / (change @ change))


def test_all_components_have_the_variance_of_the_maps_at_each_node() -> None:
    expected = MAPS[:, 0].var(axis=0, ddof=1, dtype=float)
    for tapers in (1, 4):
        found = learn_components(MAPS, tapers, 0.2, COUNT * tapers)
        np.testing.assert_allclose(
            np.square(found.maps, dtype=float).sum(0), expected, rtol=0, atol=SUMMED * expected.max()
        )


def test_components_are_orthogonal_and_the_strongest_comes_first() -> None:
    found = learn_components(MAPS, 3, 0.2, 20).maps.reshape(20, -1).astype(float)
    gram = found @ found.T
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), rtol=0, atol=SUMMED * gram[0, 0])
    assert (np.diff(np.diag(gram)) < 0).all()


def test_without_tapers_components_are_those_of_the_maps() -> None:
    found = learn_components(MAPS, 1, 0.2, 5)
    _, values, rows = np.linalg.svd((MAPS - MAPS.mean(0)).reshape(COUNT, -1).astype(float), full_matrices=False)
    for number, (component, row) in enumerate(zip(found.maps, rows, strict=False)):
        expected = row * values[number] / np.sqrt(COUNT - 1)
        assert abs(abs(component.ravel() @ expected) - expected @ expected) <= SUMMED * (values[0] ** 2)


def test_tapered_components_hold_a_part_of_a_train_map() -> None:
    part = MAPS[3, 0].astype(float) - MAPS[:, 0].mean(0)
    part[:, NX // 2 :] *= np.linspace(1, 0, NX - NX // 2)
    map_ = MAPS[:, 0].mean(0) + part
    whole, tapered = (unexplained(map_, learn_components(MAPS, count, 0.1, 10_000)) for count in (1, 6))
    assert tapered < 0.2 * whole


def test_nodes_far_apart_vary_together_less_with_tapers() -> None:
    """Half of their covariance is that of the maps, the other one falls with the distance."""
    whole, tapered = (learn_components(MAPS, count, 0.1, 10_000).maps for count in (1, 8))
    near, far = (np.s_[:, :, 10], np.s_[:, :, 11]), (np.s_[:, :, 2], np.s_[:, :, NX - 3])
    for (one, other), low, high in ((near, 0.9, 1.01), (far, 0.4, 0.6)):
        kept = (tapered[one] * tapered[other]).sum() / (whole[one] * whole[other]).sum()
        assert low < kept < high


def test_coefficients_are_those_of_the_nearest_sum_of_components() -> None:
    components = learn_components(MAPS, 2, 0.2, 12)
    found = components.coefficients(MAPS[:3])
    for coefficients, map_ in zip(found, MAPS[:3], strict=True):
        left = map_ - components.map_of(coefficients)
        gradient = np.tensordot(components.maps, left[0].astype(float), 2)
        assert (np.abs(gradient) <= SUMMED * np.linalg.norm(components.maps[0]) * np.linalg.norm(map_)).all()


def test_map_of_coefficients_is_the_mean_plus_components() -> None:
    components = Components(np.full((2, 3), 5.0, np.float32), np.ones((2, 2, 3), np.float32) * [[[1]], [[10]]])
    np.testing.assert_array_equal(components.map_of(np.array([2.0, -1.0])), np.full((1, 2, 3), -3.0))
