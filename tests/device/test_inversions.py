"""Inversions on the device that there is: from one saved model, and in batches."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.plugins.registry import Registry
from fwibench.testing.problems import tiny_data
from tests.device.test_device import build
from tests.tolerances import assert_within_range

OPTIONS = {"iterations": "2", "bands": "full", "optimiser": "adam"}


class TinyProblem:
    """What `build` takes from a dataset."""

    problem = tiny_data().problem


def inversion(registry: Registry, folder: Path, device: str) -> Any:
    data: Any = TinyProblem
    return build("multiscale-fwi", registry, data, folder, device, **OPTIONS)


def test_saved_inversion_gives_the_maps_of_the_cpu(device: str, registry: Registry, tmp_path: Path) -> None:
    data = tiny_data()
    fitted = inversion(registry, tmp_path / "fitted", "cpu")
    fitted.fit(data.train, data.val)
    fitted.save(tmp_path)
    found = []
    for place in ("cpu", device):
        method = inversion(registry, tmp_path / f"{place} again", place)
        method.load(tmp_path)
        found.append(method.predict(data.test.measurements[:2]))
    assert np.ptp(found[0] - fitted._start) > 10, "the model changes"
    # Adam divides gradients by their size, so that rounding of a gradient near zero may change a step of a few m/s
    assert_within_range(found[1], found[0], data.problem.property, 1e-2)


def test_batch_of_inversions_equals_single_ones(
    device: str, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, found = tiny_data(), []
    for size in (1, 3):
        method = inversion(registry, tmp_path / str(size), device)
        method.fit(data.train, data.val)
        # a CPU inverts samples in threads otherwise
        monkeypatch.setattr(method, "_in_threads", method._in_batches)
        monkeypatch.setattr(method, "samples_at_once", lambda size=size: size)
        found.append(method.predict(data.test.measurements[:3]))
        assert len(method.traces) == 3
    # see above; on a CPU batches equal single samples up to sums of PyTorch
    assert_within_range(found[1], found[0], data.problem.property, 1e-2 if device.startswith("cuda") else 1e-4)
