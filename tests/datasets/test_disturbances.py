"""Another source, clock and gain, and fewer train samples: options of every dataset that apply on reading."""

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.datasets.details import describe_splits
from fwibench.errors import OptionError
from fwibench.plugins.registry import Registry
from fwibench.problem import SampledWavelet
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.planning.plan import make_plan
from fwibench.runs.planning.request import Request, Selected

OPTIONS = {"wavelet_shift": "0.2", "time_shift": "0.01", "gain": "2.0"}


def variant(registry: Registry, **options: str) -> Dataset:
    return open_dataset(registry, "salt", "smoke", options)


@pytest.mark.parametrize("name", [*OPTIONS, "train_samples"])
def test_variant_shares_samples_and_problem_but_not_the_fingerprint(
    salt: Dataset, registry: Registry, name: str
) -> None:
    value = OPTIONS.get(name, "5")
    other = variant(registry, **{name: value})
    assert (other.folder, other.identity, other.measured_problem) == (salt.folder, salt.identity, salt.measured_problem)
    assert other.fingerprint != salt.fingerprint
    assert other.selection == f"salt[{name}={value}]"


def test_defaults_leave_the_fingerprint(salt: Dataset, registry: Registry) -> None:
    plain = variant(registry, wavelet_shift="0", time_shift="0", gain="1")
    assert plain.fingerprint == salt.fingerprint


@pytest.mark.parametrize("name", OPTIONS)
def test_test_alone_is_disturbed_on_demand(salt: Dataset, registry: Registry, name: str) -> None:
    dataset = variant(registry, **{name: OPTIONS[name]}, noisy="test")
    for split in ("train", "val", "test"):
        clean, found = (one.split("random", split) for one in (salt, dataset))
        assert np.array_equal(clean.measurements[0], found.measurements[0]) == (split != "test")
        np.testing.assert_array_equal(clean.properties[:], found.properties[:])


def test_gain_multiplies_every_amplitude(salt: Dataset, registry: Registry) -> None:
    clean, louder = (one.split("random", "train").measurements[:2] for one in (salt, variant(registry, gain="2.5")))
    np.testing.assert_array_equal(louder, clean * np.float32(2.5))


def test_noise_has_its_ratio_to_the_disturbed_signal(registry: Registry) -> None:
    signal = variant(registry, **OPTIONS).split("random", "test").measurements[:]
    noisy = variant(registry, **OPTIONS, snr="10").split("random", "test").measurements[:]
    for a, b in zip(signal, noisy, strict=True):
        assert 10 * np.log10(np.square(a).mean() / np.square(b - a).mean()) == pytest.approx(10, abs=0.1)


def test_traces_stay_missing_after_a_shift(registry: Registry) -> None:
    lossy = variant(registry, **OPTIONS, missing_traces="0.2").split("random", "test").measurements[:]
    assert (lossy == 0).all(2).mean((1, 2)) == pytest.approx(0.2)


def test_disturbance_does_not_depend_on_the_samples_read_with_it(registry: Registry) -> None:
    split = variant(registry, **OPTIONS, snr="10", missing_traces="0.1").split("random", "train")
    np.testing.assert_array_equal(split.measurements[3], split.measurements[:][3])
    np.testing.assert_array_equal(split.measurements[np.array([3, 0])][0], split.measurements[3])


@pytest.mark.parametrize("option", ["wavelet_shift", "time_shift"])
def test_electromagnetic_data_have_no_time_axis(registry: Registry, option: str) -> None:
    with pytest.raises(OptionError, match=rf"{option} needs a time axis.*electromagnetic"):
        open_dataset(registry, "kimberlina-reservoir", "smoke", {option: "0.1"})
    request = Request(
        methods=(Selected(name="mean-map"),),
        datasets=(Selected(name="kimberlina-reservoir", options={option: "0.1"}),),
        profile="smoke",
    )
    with pytest.raises(OptionError, match="needs a time axis"):
        make_plan(request, registry)
    open_dataset(registry, "kimberlina-reservoir", "smoke", {"gain": "2"})


def test_wavelet_of_unknown_shape_cannot_be_replaced(salt: Dataset, registry: Registry) -> None:
    dataset = variant(registry, wavelet_shift="0.1")
    survey = salt.problem.survey
    measured = SampledWavelet(samples=(0.0, 1.0, -1.0), frequency=12.0, delay=0.01)
    dataset.problem = salt.problem.model_copy(update={"survey": survey.model_copy(update={"wavelet": measured})})
    with pytest.raises(OptionError, match="needs a Ricker wavelet"):
        dataset.check_options()


def test_train_samples_are_nested_and_leave_val_and_test(salt: Dataset, registry: Registry) -> None:
    whole = {name: set(salt.split("random", name).ids) for name in ("train", "val", "test")}
    before: set[str] = set()
    for count in (1, 4, 9, len(whole["train"])):
        dataset = variant(registry, train_samples=str(count))
        chosen = dataset.split("random", "train").ids
        assert len(chosen) == len(set(chosen)) == count
        assert list(chosen) == sorted(chosen)
        assert before <= set(chosen) <= whole["train"]
        before = set(chosen)
        assert all(set(dataset.split("random", name).ids) == whole[name] for name in ("val", "test"))
    assert before == whole["train"]


def test_few_train_samples_are_spread_over_the_split(registry: Registry) -> None:
    dataset = open_dataset(registry, "salt", "quick", {"train_samples": "20"})
    chosen, every = (part["train"] for part in (dataset.selected("random"), dataset.indices("random")))
    # the first 20 of 120 would all be slices of the first volume, which ends at 70
    assert 5 <= np.sum(chosen < 70) <= 15
    assert len(every) == 120


def test_more_train_samples_than_there_are_is_an_error_that_counts_them(registry: Registry) -> None:
    dataset = variant(registry, train_samples="15")
    with pytest.raises(
        OptionError, match=r"train_samples is 15, salt \(smoke\) has 14 train samples in its split random"
    ):
        dataset.split("random", "train")
    request = Request(
        methods=(Selected(name="mean-map"),),
        datasets=(Selected(name="salt", options={"train_samples": "15"}),),
        profile="smoke",
    )
    with pytest.raises(OptionError, match="14 train samples"):
        make_plan(request, registry)
    assert "14 train samples" in dict(describe_splits(dataset))["split random"]
