"""Methods that are fitted again to other samples, as for out-of-fold predictions."""

import dataclasses

import numpy as np
from fwibench_baselines import FeatureOptions
from fwibench_baselines.nearest_neighbour import NearestNeighbour
from fwibench_hybrid import EnsembleOptions
from fwibench_hybrid.ensemble import Ensemble

from fwibench.datasets.base import Dataset
from fwibench.methods.context import RunContext
from fwibench.specs.method import TrainingOptions
from tests.methods.small_networks import Small, bits


def test_refit_learns_from_other_samples_and_leaves_the_method_alone(salt: Dataset, context: RunContext) -> None:
    train, val = (salt.split("random", name) for name in ("train", "val"))
    method = NearestNeighbour(salt.problem, FeatureOptions(features=50), context)
    method.fit(train, val)
    first, rest = train.select(np.arange(1)), train.select(np.arange(1, len(train)))
    again = method.refit(rest, val, "rest")
    known = first.properties[:]
    assert np.array_equal(method.predict(first.measurements[:]), known)
    assert not np.array_equal(again.predict(first.measurements[:]), known)
    assert again.options == method.options


def test_refit_fits_the_methods_below_first(salt: Dataset, context: RunContext) -> None:
    train, val = (salt.split("random", name) for name in ("train", "val"))
    below = NearestNeighbour(salt.problem, FeatureOptions(features=50), context)
    below.fit(train, val)
    first, rest = train.select(np.arange(1)), train.select(np.arange(1, len(train)))
    on_two = dataclasses.replace(context, base=below, members=(below, below))
    method = Ensemble(salt.problem, EnsembleOptions(calibrated=False), on_two)
    method.fit(train, val)
    known = first.properties[:]
    assert np.array_equal(method.predict(first.measurements[:]), known)
    again = method.refit(rest, val, "rest")
    assert not np.array_equal(again.predict(first.measurements[:]), known)
    assert len(again.context.members) == 2


def test_refit_has_its_own_seeds_and_folder(salt: Dataset, context: RunContext) -> None:
    train, val = (salt.split("random", name) for name in ("train", "val"))
    method = Small(salt.problem, TrainingOptions(epochs=1, batch_size=5), context)
    method.fit(train, val)
    a, b = (method.refit(train, val, name) for name in "ab")
    assert len({method.context.seed("init"), a.context.seed("init"), b.context.seed("init")}) == 3
    assert len({tuple(bits(one)) for one in (method, a, b)}) == 3
    assert sorted(path.name for path in context.workdir.iterdir()) == ["a", "b", "checkpoint.pt"]
    assert bits(method.refit(train, val, "a")) == bits(a), "continued from its checkpoint"


def test_refit_takes_a_share_of_the_batches_that_a_budget_gave(salt: Dataset, context: RunContext) -> None:
    train, val = (salt.split("random", name) for name in ("train", "val"))
    limited = dataclasses.replace(context, fit_budget=1e6)
    method = Small(salt.problem, TrainingOptions(epochs=7, batch_size=5, precision="float32"), limited)
    method.fit_batches = 12
    # 14 samples make three batches an epoch
    assert len(method.refit(train, val, "half", 0.5).history) == 2
    method.fit_batches = None
    assert len(method.refit(train, val, "all", 0.5).history) == 7


def test_loaded_network_knows_the_length_of_its_fit(salt: Dataset, context: RunContext) -> None:
    train, val = (salt.split("random", name) for name in ("train", "val"))
    method = Small(salt.problem, TrainingOptions(epochs=1, batch_size=5), context)
    method.fit(train, val)
    method.fit_batches = 9
    method.save(context.workdir)
    loaded = Small(salt.problem, TrainingOptions(epochs=1, batch_size=5), context)
    loaded.load(context.workdir)
    assert (loaded.fit_batches, loaded.fit_precision) == (9, "float32")
