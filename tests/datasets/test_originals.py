from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from fwibench.datasets.crops import Crops, crop_indices
from fwibench.datasets.options import FilesOptions
from fwibench.datasets.readers import Wanted, read_section
from fwibench.datasets.resample import resample
from fwibench.datasets.salt import Salt
from fwibench.errors import DataError
from fwibench.physics.parallel import simulate_each
from fwibench.plugins.registry import Registry
from fwibench.runs.plan import open_dataset
from tests.tolerances import assert_same_signal, rounding


def originals(folder: Path, count: int, top: float = 4482.0) -> np.ndarray:
    """Maps like Yang and Ma's: 201 x 301, a body of salt in a gradient, moving from file to file."""
    folder.mkdir(parents=True)
    depth, x = np.mgrid[:201, :301]
    maps = []
    for i in range(count):
        one = 1500.0 + 8 * depth
        one[(depth - 100) ** 2 + (x - 60 - 10 * i) ** 2 < 40**2] = top
        savemat(folder / f"svmodel{i + 1}.mat", {"svmodel": one})
        maps.append(one)
    return np.stack(maps)


def test_salt_is_made_from_a_users_maps(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    maps = originals(tmp_path / "vmodel_train", 12)
    dataset = open_dataset(registry, "salt", "quick", {"path": str(tmp_path / "vmodel_train")})
    assert dataset.source == "files"
    assert dataset.size == 12
    assert {name: len(part) for name, part in dataset.indices("random").items()} == {"train": 10, "val": 1, "test": 1}
    assert {len(part) for part in dataset.indices("block").values()} >= {1}
    dataset.prepare()
    test = dataset.split("random", "test")
    number = int(dataset.indices("random")["test"][0])
    expected = resample(maps[number].astype(np.float32), (40, 60))
    np.testing.assert_array_equal(test.properties[0][0], expected)
    simulated = next(iter(simulate_each([expected[None]], dataset.problem)))
    assert_same_signal(test.measurements[0], simulated, rounding(terms=600))
    assert dataset.verify() == []


def test_the_content_of_the_files_is_the_identity(registry: Registry, tmp_path: Path) -> None:
    originals(tmp_path / "a", 4)
    originals(tmp_path / "b" / "moved", 4)
    originals(tmp_path / "c", 4, top=4400.0)
    a, b, c, none = (
        open_dataset(registry, "salt", "smoke", {"path": str(tmp_path / name)} if name else {}) for name in (*"abc", "")
    )
    assert a.fingerprint == b.fingerprint
    assert len({a.fingerprint, c.fingerprint, none.fingerprint}) == 3
    assert none.source == "synthetic"


class Cut(Salt):
    """A dataset whose original is one large model, as Marmousi's."""

    def open_originals(self, path: Path) -> Crops:
        model = read_section(path, Wanted())
        return Crops(model, self.problem.grid.shape, self.problem.property, self.counts_wanted, "cut", (path,))

    counts_wanted = 20

    def indices(self, scheme: str) -> dict[str, np.ndarray]:
        return crop_indices(self.size)


def test_a_large_model_is_cut_and_simulated(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    depth, x = np.mgrid[:60, :500]
    np.save(tmp_path / "large.npy", (1500 + 20 * depth + 2 * x).astype(np.float32))
    dataset = Cut(registry.dataset("salt").spec, FilesOptions(path=tmp_path / "large.npy"), "smoke")
    assert dataset.source == "files"
    assert {name: len(part) for name, part in dataset.indices("random").items()} == {"train": 16, "val": 2, "test": 2}
    dataset.prepare()
    test = dataset.split("random", "test")
    assert test.properties[0].shape == (1, 40, 60)
    assert test.properties[:].min() >= 1500 + 2 * 425, "from the last columns alone"
    assert np.isfinite(test.measurements[:]).all()


def test_wrong_originals_are_errors(registry: Registry, tmp_path: Path) -> None:
    def open_(path: Path) -> int:
        return open_dataset(registry, "salt", "smoke", {"path": str(path)}).size

    originals(tmp_path / "few", 2)
    with pytest.raises(DataError, match="2 maps found, expected 3 or more"):
        open_(tmp_path / "few")
    np.save(tmp_path / "turned.npy", np.ones((5, 301, 201)))
    with pytest.raises(DataError, match=r"\(301, 201\) found, expected \(201, 301\) or \(40, 60\)"):
        open_(tmp_path / "turned.npy")
    np.save(tmp_path / "slow.npy", np.full((5, 40, 60), 2.0))
    with pytest.raises(DataError, match="slow.npy, map 0: velocity 2 to 2 found"):
        next(open_dataset(registry, "salt", "smoke", {"path": str(tmp_path / "slow.npy")}).samples(range(1)))
