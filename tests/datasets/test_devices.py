"""Datasets that are simulated on another device than the CPU."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from fwibench.datasets.simulated import SimulatedDataset
from fwibench.physics import parallel
from fwibench.physics.parallel import simulate_batches
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset
from fwibench.testing.problems import PROBLEMS, tiny_maps


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulates in batches of 3 on the CPU what is asked for on a GPU."""
    each = parallel.simulate_each

    def simulated(maps: Any, problem: Any, device: str = "cpu") -> Iterator[np.ndarray]:
        return each(maps, problem) if device == "cpu" else simulate_batches(maps, problem, "cpu", 3)

    monkeypatch.setattr(parallel, "simulate_each", simulated)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: f"Test {device}")


class Layers(SimulatedDataset):
    """20 maps of three layers, in shards of 8."""

    problem = PROBLEMS["seismic"]
    sizes: ClassVar = {"smoke": (20, 3, 3)}
    shard_rows = 8
    drawn: ClassVar[list[range]] = []

    def maps(self, numbers: range) -> list[np.ndarray]:
        self.drawn.append(numbers)
        return list(tiny_maps("seismic")[numbers.start : numbers.stop])


@pytest.fixture
def layers(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Layers]:
    """Returns the dataset in a folder of the given name."""
    salt = open_dataset(registry, "salt", "smoke")

    def opened(folder: str) -> Layers:
        monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / folder))
        return Layers(salt.spec, salt.options, "smoke")

    return opened


def devices(dataset: Layers) -> list[tuple[str, ...]]:
    return [shard.devices for _, shard in sorted(dataset.store.manifest().shards.items())]


@pytest.mark.usefixtures("on_gpu")
def test_device_changes_neither_identity_nor_samples(layers: Callable[[str], Layers]) -> None:
    expected = layers("here")
    expected.prepare()
    assert devices(expected) == [("cpu",)] * 3
    there, measurements = expected.split("random", "train"), expected.split("random", "train").measurements[:]
    dataset = layers("there")
    dataset.device = "cuda:1"
    Layers.drawn.clear()
    dataset.prepare()
    assert Layers.drawn == [range(8), range(8, 16), range(16, 20)], "each map is drawn once, in order"
    assert (dataset.identity, dataset.fingerprint) == (expected.identity, expected.fingerprint)
    found = dataset.split("random", "train")
    np.testing.assert_array_equal(found.measurements[:], measurements)
    np.testing.assert_array_equal(found.properties[:], there.properties[:])
    assert devices(dataset) == [("cuda (Test cuda:1)",)] * 3
    assert dataset.verify() == []


@pytest.mark.usefixtures("on_gpu")
def test_another_device_continues(layers: Callable[[str], Layers]) -> None:
    expected = layers("here")
    expected.prepare()
    measurements = expected.split("random", "train").measurements[:]
    dataset = layers("there")
    dataset.store.grow(11, dataset.samples, lambda done, total: None)
    dataset.device = "cuda"
    estimate = dataset.estimate()
    assert estimate is not None
    assert estimate.samples == 9
    dataset.prepare()
    assert devices(dataset) == [("cpu",), ("cpu", "cuda (Test cuda)"), ("cuda (Test cuda)",)]
    np.testing.assert_array_equal(dataset.split("random", "train").measurements[:], measurements)


@pytest.mark.usefixtures("on_gpu")
def test_error_while_maps_are_drawn_ahead_is_raised(
    layers: Callable[[str], Layers], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, draw = layers("there"), Layers.maps

    def fails(self: Layers, numbers: range) -> list[np.ndarray]:
        if numbers.start == 8:
            raise ValueError("no map")
        return draw(self, numbers)

    dataset.device = "cuda"
    with monkeypatch.context() as patch:
        patch.setattr(Layers, "maps", fails)
        with pytest.raises(ValueError, match="no map"):
            dataset.prepare()
    assert dataset.store.missing(20) == [1, 2]
    dataset.prepare()
    assert dataset.verify() == []


def test_devices_follow_the_physics(registry: Registry) -> None:
    found = {name: open_dataset(registry, name, "smoke").devices for name in ("salt", "kimberlina-reservoir")}
    assert found == {"salt": ("cpu", "cuda"), "kimberlina-reservoir": ("cpu",)}


def test_author_who_generates_samples_differently_gets_the_cpu(layers: Callable[[str], Layers]) -> None:
    class Own(Layers):
        def samples(self, numbers: range) -> Any:
            return super().samples(numbers)

    usual = layers("here")
    assert usual.devices == ("cpu", "cuda")
    assert Own(usual.spec, usual.options, "smoke").devices == ("cpu",)
