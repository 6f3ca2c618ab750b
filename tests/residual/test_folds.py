import dataclasses
import time
from typing import Any

import numpy as np
import pytest
from fwibench_residual.folds import assign_folds, predict, predict_out_of_fold

from fwibench.errors import UnsuitableError
from fwibench.methods.context import RunContext
from fwibench.testing.problems import Tiny

EVERY = np.arange(12)


def test_folds_are_even_and_depend_on_the_seed(tiny: Tiny) -> None:
    fold_of = assign_folds(tiny.train, 5, 0)
    assert sorted(np.bincount(fold_of)) == [2, 2, 2, 3, 3]
    assert not np.array_equal(fold_of, assign_folds(tiny.train, 5, 1))
    assert sorted(assign_folds(tiny.train, 50, 0)) == list(range(12))


def test_samples_of_a_group_are_in_one_fold(tiny: Tiny) -> None:
    groups = tuple("abcd"[i % 4] for i in range(12))
    fold_of = assign_folds(dataclasses.replace(tiny.train, groups=groups), 3, 0)
    assert all(len(set(fold_of[i::4])) == 1 for i in range(4))
    assert set(fold_of) == {0, 1, 2}
    with pytest.raises(UnsuitableError, match="two groups"):
        assign_folds(dataclasses.replace(tiny.train, groups=("a",) * 12), 3, 0)


def test_first_predictions_come_from_bases_that_never_saw_the_sample(tiny: Tiny, based: RunContext) -> None:
    truth = tiny.train.properties[:]
    assert np.array_equal(predict(based.base, tiny.train), truth), "the base knows its own samples by heart"
    first = predict_out_of_fold(based.base, tiny.train, tiny.val, EVERY, 3, based)
    fold_of = assign_folds(tiny.train, 3, based.seed("data"))
    for own, found in enumerate(first):
        (source,) = (i for i, known in enumerate(truth) if np.array_equal(known, found))
        assert fold_of[source] != fold_of[own]


def test_chosen_samples_are_predicted_by_bases_of_all_other_samples(tiny: Tiny, based: RunContext) -> None:
    every = predict_out_of_fold(based.base, tiny.train, tiny.val, EVERY, 3, based)
    elsewhere = dataclasses.replace(based, workdir=based.workdir / "other")
    elsewhere.workdir.mkdir()
    chosen = np.array([1, 4, 10])
    assert np.array_equal(predict_out_of_fold(based.base, tiny.train, tiny.val, chosen, 3, elsewhere), every[chosen])


def test_finished_folds_are_not_fitted_again(tiny: Tiny, based: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[str] = []
    refit = type(based.base).refit

    def count(self: Any, train: Any, val: Any, name: str, share: float) -> Any:
        fitted.append(name)
        return refit(self, train, val, name, share)

    monkeypatch.setattr(type(based.base), "refit", count)
    first = predict_out_of_fold(based.base, tiny.train, tiny.val, EVERY, 3, based)
    assert fitted == ["fold-0", "fold-1", "fold-2"]
    (based.workdir / "fold-1.npy").unlink()
    assert np.array_equal(predict_out_of_fold(based.base, tiny.train, tiny.val, EVERY, 3, based), first)
    assert fitted[3:] == ["fold-1"]


def test_no_fold_is_kept_after_the_deadline(tiny: Tiny, based: RunContext) -> None:
    late = dataclasses.replace(based, deadline=time.monotonic())
    assert not predict_out_of_fold(based.base, tiny.train, tiny.val, EVERY, 3, late).any()
    assert not list(based.workdir.glob("*.npy"))
