"""Out-of-fold predictions.

Invariant: the prediction of a train sample comes from a base that was fitted without this sample and without the others
of its group, so that its errors are like those on unseen samples.
"""

from __future__ import annotations

import numpy as np

from fwibench.errors import UnsuitableError
from fwibench.files.atomic import atomic_write
from fwibench.methods.context import FittedMethod, RunContext
from fwibench.samples import Split
from fwibench.typing import Indices, Maps

SHARE = 0.5
"""Share of a time budget that the fits of all folds take together."""


def assign_folds(train: Split, folds: int, seed: int) -> Indices:
    """Return the fold of each sample `(n,)`, at random; samples of a group are in the same one.

    Args:
        train: The samples.
        folds: Number of folds; there are fewer where there are fewer groups.
        seed: Random seed.

    Raises:
        UnsuitableError: There is one group only.
    """
    groups, own = np.unique(train.groups or train.ids, return_inverse=True)
    if len(groups) < 2:
        raise UnsuitableError(
            f"out-of-fold predictions need two groups of train samples at least, there is {len(groups)}",
            "add samples to the train split",
        )
    order = np.random.default_rng(seed).permutation(len(groups))
    return np.asarray(order[own] % min(folds, len(groups)))


def predict_out_of_fold(
    base: FittedMethod, train: Split, val: Split, chosen: Indices, folds: int, context: RunContext
) -> Maps:
    """Return the predictions for some train samples by bases that were not fitted to them.

    Finished folds are kept in the working folder.

    Args:
        base: Fitted method, whose options the others have.
        train: All train samples.
        val: Samples that the bases choose on.
        chosen: Positions of the samples to predict, `(m,)`.
        folds: See `assign_folds`.
        context: Working folder, random seeds and deadline.

    Returns:
        Maps `(m, 1, Z, X)`; 0 where the deadline came first.

    Raises:
        UnsuitableError: See `assign_folds`.
    """
    maps = np.zeros((len(chosen), *train.properties.shape[1:]), np.float32)
    fold_of = assign_folds(train, folds, context.seed("data"))
    for fold in range(count := fold_of.max() + 1):
        own, path = np.flatnonzero(fold_of[chosen] == fold), context.workdir / f"fold-{fold}.npy"
        if not len(own):
            continue
        if not path.exists():
            if context.should_stop():
                break
            others = train.select(np.flatnonzero(fold_of != fold))
            found = predict(base.refit(others, val, f"fold-{fold}", SHARE / count), train.select(chosen[own]))
            if context.should_stop():
                # the fit may have ended early
                break
            with atomic_write(path) as stream:
                np.save(stream, found)
        maps[own] = np.load(path)
    return maps


def predict(method: FittedMethod, split: Split) -> Maps:
    """Return the predictions for all samples of a split `(n, 1, Z, X)`."""
    return np.concatenate([method.predict(measurements) for _, measurements in split.measurements.chunks()])
