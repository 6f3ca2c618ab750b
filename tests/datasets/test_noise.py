import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.datasets.noise import Noise
from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset
from fwibench.specs.dataset_options import DatasetOptions


def variant(registry: Registry, **options: str) -> Dataset:
    return open_dataset(registry, "salt", "smoke", options)


def test_noise_has_requested_ratio(salt: Dataset, registry: Registry) -> None:
    clean = salt.split("random", "test").measurements[:]
    noisy = variant(registry, snr="10").split("random", "test").measurements[:]
    for a, b in zip(clean, noisy, strict=True):
        ratio = 10 * np.log10(np.square(a).mean() / np.square(b - a).mean())
        assert ratio == pytest.approx(10, abs=0.1)


def test_noise_of_sample_is_reproducible(salt: Dataset, registry: Registry) -> None:
    split = variant(registry, snr="10").split("random", "train")
    np.testing.assert_array_equal(split.measurements[3], split.measurements[:][3])
    assert not np.array_equal(split.measurements[3], salt.split("random", "train").measurements[3])
    np.testing.assert_array_equal(split.properties[:], salt.split("random", "train").properties[:])


def test_missing_traces_are_zero_and_others_unchanged(salt: Dataset, registry: Registry) -> None:
    clean = salt.split("random", "test").measurements[:]
    lossy = variant(registry, missing_traces="0.2").split("random", "test").measurements[:]
    lost = (lossy == 0).all(2) & (clean != 0).any(2)
    assert lost.mean((1, 2)) == pytest.approx(0.2)
    kept = ~np.broadcast_to(lost[:, :, None], clean.shape)
    np.testing.assert_array_equal(lossy[kept], clean[kept])
    assert not np.array_equal(lost[0], lost[1])


def test_noise_on_test_leaves_train_clean(salt: Dataset, registry: Registry) -> None:
    dataset = variant(registry, snr="10", noisy="test")
    clean = salt.split("random", "train").measurements[:2]
    np.testing.assert_array_equal(dataset.split("random", "train").measurements[:2], clean)
    assert not np.array_equal(dataset.split("random", "test").measurements[:2], clean)


def test_noise_ratio_holds_for_every_frequency() -> None:
    rng = np.random.default_rng(0)
    clean = (rng.normal(size=(1, 2, 6, 500)) * np.geomspace(1e-12, 1e-8, 6)[:, None]).astype(np.float32)
    noisy = Noise("em", DatasetOptions(snr=20), None, degrade=True, simulator=False)(clean.copy(), np.array([0]))
    ratios = 10 * np.log10(np.square(clean).mean((0, 1, 3)) / np.square(noisy - clean).mean((0, 1, 3)))
    assert ratios == pytest.approx(np.full(6, 20), abs=0.5)


def test_variant_shares_samples_but_not_fingerprint(salt: Dataset, registry: Registry) -> None:
    noisy = variant(registry, snr="10")
    assert noisy.folder == salt.folder
    assert noisy.fingerprint != salt.fingerprint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("missing_traces", "1.5"),
        ("snr", "loud"),
        ("noisy", "val"),
        ("wavelet_shift", "0.5"),
        ("gain", "0"),
        ("time_shift", "1.0"),
        ("train_samples", "0"),
    ],
)
def test_invalid_options_raise(registry: Registry, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name):
        variant(registry, **{name: value})


def test_simulator_noise_has_size_and_band_and_leaves_test_clean(salt: Dataset, registry: Registry) -> None:
    dataset = variant(registry, simulator_noise="0.003")
    for name in ("train", "val"):
        clean, noisy = (one.split("random", name).measurements[:] for one in (salt, dataset))
        for a, b in zip(clean, noisy, strict=True):
            assert np.linalg.norm(b - a) / np.linalg.norm(a) == pytest.approx(0.003, rel=0.01)
    power = np.square(np.abs(np.fft.rfft(b - a, axis=1))).mean((0, 2))
    frequency = np.fft.rfftfreq(a.shape[1], dataset.problem.survey.dt)
    assert frequency[power.argmax()] == pytest.approx(dataset.problem.survey.wavelet.frequency, rel=0.25)
    assert power[frequency > 40].sum() < 1e-3 * power.sum()
    for one in ("measurements", "properties"):
        a, b = (getattr(which.split("random", "test"), one)[:] for which in (salt, dataset))
        np.testing.assert_array_equal(a, b)


def test_simulator_noise_is_independent_of_white_noise(salt: Dataset, registry: Registry) -> None:
    both = variant(registry, snr="10", simulator_noise="0.003").split("random", "train").measurements[0]
    white = variant(registry, snr="10").split("random", "train").measurements[0]
    assert 0 < np.linalg.norm(both - white) / np.linalg.norm(white) < 0.01


def test_simulator_noise_scales_with_each_frequency() -> None:
    rng = np.random.default_rng(0)
    clean = (rng.normal(size=(1, 2, 6, 500)) * np.geomspace(1e-12, 1e-8, 6)[:, None]).astype(np.float32)
    options = DatasetOptions(simulator_noise=0.01)
    noisy = Noise("em", options, None, degrade=False, simulator=True)(clean.copy(), np.array([0]))
    ratio = np.sqrt(np.square(noisy - clean).mean((0, 1, 3)) / np.square(clean).mean((0, 1, 3)))
    assert ratio == pytest.approx(np.full(6, 0.01), rel=0.1)


def test_simulator_noise_changes_fingerprint(salt: Dataset, registry: Registry) -> None:
    noisy = variant(registry, simulator_noise="0.003")
    assert noisy.folder == salt.folder
    assert noisy.fingerprint != salt.fingerprint
    assert variant(registry, simulator_noise="0").fingerprint == salt.fingerprint
