"""The method refine with a prior that it learns from train maps."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from fwibench_hybrid import RefineOptions
from fwibench_hybrid.method import PRIOR, Refine
from pydantic import ValidationError

from fwibench.errors import MethodError, UnsuitableError
from fwibench.methods.complexity import Complexity
from fwibench.methods.context import RunContext
from fwibench.physics.acoustic import simulate
from fwibench.problem import Problem
from fwibench.samples import ShardedArray, Split

ITERATIONS = 40


def body(small: Problem, half: int) -> np.ndarray:
    """A fast square body of a given half width; `(1, 1, Z, X)`."""
    maps = np.full((1, 1, *small.grid.shape), 1800.0, np.float32)
    maps[..., 12 - half : 13 + half, 15 - half : 16 + half] = 4000.0
    return maps


class Constant:
    """A fitted base that predicts one map, with a known number of parameters."""

    def __init__(self, maps: np.ndarray) -> None:
        self._maps = maps

    def predict(self, measurements: np.ndarray) -> np.ndarray:
        return np.repeat(self._maps, len(measurements), axis=0)

    def complexity(self) -> Complexity:
        return Complexity(parameters=3, parameters_closed_form=5)


class Unread:
    """Samples that must not be read."""

    def __getitem__(self, key: object) -> np.ndarray:
        raise AssertionError("the prior is learned from train maps alone")

    def __len__(self) -> int:
        return 1


def split_of(maps: Sequence[np.ndarray], folder: Path) -> Split:
    folder.mkdir(parents=True, exist_ok=True)
    file, stacked = folder / "maps.npy", np.concatenate(maps)
    np.save(file, stacked)
    properties = ShardedArray((file,), (len(stacked),), stacked.shape[1:], np.arange(len(stacked)))
    return Split("train", tuple(map(str, range(len(stacked)))), Unread(), properties)  # type: ignore[arg-type]


def unread() -> Split:
    return Split("val", ("0",), Unread(), Unread())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def shots(small: Problem) -> np.ndarray:
    with torch.no_grad():
        return simulate(torch.from_numpy(body(small, 5)), small).numpy()


def refine(small: Problem, folder: Path, prior: str = "two-phase") -> Refine:
    folder.mkdir(parents=True, exist_ok=True)
    chosen = RefineOptions(
        prior=prior, bands="6/full", warp=ITERATIONS, iterations=1, step=1e-3, shots=None, stiffness=0
    )
    return Refine(small, chosen, RunContext(folder, base=Constant(body(small, 3))))


def test_body_grows_to_a_size_that_no_train_map_has(small: Problem, shots: np.ndarray, tmp_path: Path) -> None:
    train = split_of([body(small, half) for half in (2, 3, 4, 6, 7, 8)], tmp_path)
    method = refine(small, tmp_path / "work")
    method.fit(train, unread())
    found, truth = method.predict(shots), body(small, 5)
    assert np.abs(found - truth).mean() < 0.3 * np.abs(body(small, 3) - truth).mean()
    assert method.figures()["phase"] == 4000
    again = refine(small, tmp_path / "again")
    method.save(tmp_path)
    again.load(tmp_path)
    np.testing.assert_array_equal(again.predict(shots), found)
    again.save(tmp_path / "again")
    assert (tmp_path / "again" / PRIOR).read_bytes() == (tmp_path / PRIOR).read_bytes()
    learned = sum(part.size for part in np.load(tmp_path / PRIOR).values())
    assert method.complexity().parameters_closed_form == 5 + learned


def test_prior_without_a_phase_is_left_out_or_an_error(small: Problem, shots: np.ndarray, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    spread = split_of([rng.uniform(1500, 4500, (4, 1, *small.grid.shape)).astype(np.float32)], tmp_path)
    with pytest.raises(UnsuitableError, match="values cluster at a highest one, and these do not") as caught:
        refine(small, tmp_path / "work").fit(spread, unread())
    assert "prior=auto" in caught.value.hint
    method = refine(small, tmp_path / "auto", "auto")
    method.fit(spread, unread())
    assert method.figures() == {}
    assert method.complexity().parameters_closed_form == 5
    method.save(tmp_path)
    again = refine(small, tmp_path / "again", "auto")
    again.load(tmp_path)
    plain = refine(small, tmp_path / "plain", "none").predict(shots)
    np.testing.assert_array_equal(again.predict(shots), plain)


def test_learned_prior_is_needed_before_a_prediction(small: Problem, shots: np.ndarray, tmp_path: Path) -> None:
    method = refine(small, tmp_path)
    for use in (lambda: method.predict(shots), lambda: method.save(tmp_path)):
        with pytest.raises(MethodError, match="before fit"):
            use()


def test_prior_without_bending_is_an_error() -> None:
    with pytest.raises(ValidationError, match="prior=auto guides the bending, which warp=0 leaves out"):
        RefineOptions(prior="auto", warp=0)
