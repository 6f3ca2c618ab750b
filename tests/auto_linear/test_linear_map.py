import numpy as np
import pytest
import torch
from fwibench_auto_linear.linear_map import LinearMap, reverse
from sklearn.linear_model import Ridge

ALPHA = 0.3
INPUTS, OUTPUTS = 7, 5


def pairs(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return inputs and outputs of a noisy linear relation, neither of mean zero."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, INPUTS)) + 2
    relation = np.random.default_rng(1).normal(size=(INPUTS, OUTPUTS))
    y = x @ relation + rng.normal(size=(n, OUTPUTS)) - 1
    return torch.from_numpy(x), torch.from_numpy(y)


def batches(x: torch.Tensor, y: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(x[:2].clone(), y[:2].clone()), (x[2:].clone(), y[2:].clone())]


def solved(n: int, rank: int | None = None) -> LinearMap:
    """Return the map in float64, so that comparisons do not see the rounding of its storage."""
    linear = LinearMap(INPUTS, OUTPUTS, rank).double()
    linear.solve(batches(*pairs(n)), n, [], ALPHA)
    return linear


@pytest.mark.parametrize("n", [5, 40], ids=["dual", "primal"])
def test_map_equals_ridge_of_scikit_learn(n: int) -> None:
    x, y = pairs(n)
    reference = Ridge(alpha=ALPHA).fit(x.numpy(), y.numpy())
    linear = solved(n)
    np.testing.assert_allclose(linear.down.numpy(), reference.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(linear(x).numpy(), reference.predict(x.numpy()), rtol=1e-9)
    np.testing.assert_allclose(linear.mean.numpy(), y.numpy().mean(0), rtol=1e-12)
    assert linear.entries == INPUTS * OUTPUTS + OUTPUTS


@pytest.mark.parametrize("n", [5, 40], ids=["dual", "primal"])
@pytest.mark.parametrize("rank", [1, 3])
def test_limited_rank_is_the_best_projection_of_the_full_solution(n: int, rank: int) -> None:
    x, y = pairs(n)
    centred = x - x.mean(0)
    # the ridge penalty as additional samples, whose fitted values a singular value decomposition truncates
    augmented = torch.cat([centred, ALPHA**0.5 * torch.eye(INPUTS, dtype=torch.float64)])
    full = torch.from_numpy(Ridge(alpha=ALPHA).fit(x.numpy(), y.numpy()).coef_.T)
    *_, vh = torch.linalg.svd(augmented @ full, full_matrices=False)
    expected = full @ vh[:rank].T @ vh[:rank]
    linear = solved(n, rank)
    found = (linear.up @ linear.down).T
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-8, atol=1e-10)
    assert torch.linalg.matrix_rank(found) == rank
    assert linear.entries == rank * (INPUTS + OUTPUTS) + OUTPUTS
    np.testing.assert_allclose(linear(x).mean(0).numpy(), y.mean(0).numpy(), rtol=1e-9)


def test_rank_of_all_outputs_is_no_limit() -> None:
    assert LinearMap(INPUTS, OUTPUTS, OUTPUTS).rank is None
    torch.testing.assert_close(solved(40, OUTPUTS).down, solved(40).down)


def test_penalty_is_chosen_on_val() -> None:
    (x, y), val = pairs(12), pairs(50, seed=2)
    linear = LinearMap(INPUTS, OUTPUTS, None).double()
    chosen = linear.solve([(x.clone(), y.clone())], 12, [val], "val")

    def error(alpha: float) -> float:
        predicted = Ridge(alpha=alpha).fit(x.numpy(), y.numpy()).predict(val[0].numpy())
        return float(np.square(predicted - val[1].numpy()).sum())

    assert error(chosen) <= min(error(chosen / 10), error(chosen * 10))


def test_reverse_swaps_inputs_and_outputs() -> None:
    x, y = pairs(3)
    ((first, second),) = reverse([(x, y)])
    assert first is y
    assert second is x
