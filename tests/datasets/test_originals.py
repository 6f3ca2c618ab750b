import json
import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from fwibench.datasets.base import Dataset
from fwibench.datasets.marmousi.crops import Crops, crop_indices
from fwibench.datasets.readers import ExpectedMaps, read_maps
from fwibench.datasets.salt.dataset import Salt
from fwibench.datasets.simulated import resample
from fwibench.errors import DataError
from fwibench.physics.parallel import simulate_each
from fwibench.plugins.registry import Registry
from fwibench.report.card.card import make_card
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.planning.grammar import read_selected
from fwibench.runs.scoring.rescore import rescore
from fwibench.specs.dataset_options import DataPath, FilesOptions
from tests.conftest import Command
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


def test_salt_is_simulated_from_originals(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_identity_is_content_of_files(registry: Registry, tmp_path: Path) -> None:
    originals(tmp_path / "a", 4)
    # a MATLAB file holds the second in which it was written, so an equal one is a copy
    shutil.copytree(tmp_path / "a", tmp_path / "b" / "moved")
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
        maps = read_maps(path, ExpectedMaps())
        return Crops(maps[0][0], self.problem.grid.shape, self.problem.property, self.number_of_crops, "cut", maps)

    number_of_crops = 20

    def indices(self, scheme: str) -> dict[str, np.ndarray]:
        return crop_indices(self.size)


def test_large_model_is_cropped_and_simulated(
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


def geology(shape: tuple[int, int], kind: str) -> np.ndarray:
    """Smooth maps as they are common: flat or tilted gradients, layers, a body, a fault where rows may be cut."""
    depth, x = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    maps = {
        "flat": 1500 + 3000 * depth,
        "tilted": 1500 + 2000 * depth + 800 * x,
        "layers": np.round((1800 + 2200 * depth + 300 * np.sin(6 * x)) / 300) * 300,
        "flat layers": np.round((1500 + 3000 * depth) / 400) * 400,
        "body": np.where((depth - 0.5) ** 2 + (x - 0.4) ** 2 < 0.05, 4482, 1500 + 2000 * depth),
        "fault": 1500 + 2800 * depth + np.where(x < 0.5, 0, 60),
    }
    return maps[kind].astype("<f4")


def doubts(path: Path, stored: np.ndarray, shape: tuple[int, int], axes: str = "zx") -> tuple[str, ...]:
    np.ascontiguousarray(stored).tofile(path)
    return read_maps(path, ExpectedMaps(shapes=(shape,), axes=axes)).doubts


@pytest.mark.parametrize("shape", [(351, 1701), (201, 301), (40, 60), (401, 141), (100, 300), (300, 100)])
@pytest.mark.parametrize("kind", ["flat", "tilted", "layers", "flat layers", "body", "fault"])
def test_transposed_raw_maps_are_doubted(tmp_path: Path, shape: tuple[int, int], kind: str) -> None:
    path, section = tmp_path / "m.bin", geology(shape, kind)
    assert doubts(path, section, shape) == ()
    assert doubts(path, section.T, shape, "xz") == ()
    assert "give axes=xz" in doubts(path, section.T, shape)[0]
    if kind in ("flat", "tilted", "fault") and shape != (300, 100):
        # a row of 300 is three rows of 100, so nothing tells the ends of columns
        assert "give axes=zx" in doubts(path, section, shape, "xz")[0]


def test_transposed_marmousi2_is_doubted(tmp_path: Path, real_data: Path) -> None:
    model = np.load(real_data / "marmousi2_vp_10m.npy").astype("<f4")
    assert doubts(tmp_path / "m.bin", model, model.shape) == ()
    assert (
        "after every 351, where a column would end, and read so they are 16.8 times smoother"
        in doubts(tmp_path / "m.bin", model.T, model.shape)[0]
    )


def test_transposed_square_maps_are_doubted(tmp_path: Path) -> None:
    expected = ExpectedMaps(shapes=((70, 70),))
    for kind in ("flat", "tilted", "layers", "body"):
        np.save(tmp_path / "m.npy", geology((70, 70), kind))
        assert read_maps(tmp_path / "m.npy", expected).doubts == ()
    np.save(tmp_path / "m.npy", geology((70, 70), "flat layers").T)
    assert "give axes=xz" in read_maps(tmp_path / "m.npy", expected).doubts[0]


def test_axes_option_transposes_original_files(registry: Registry, tmp_path: Path) -> None:
    maps = np.stack([geology((40, 60), kind) for kind in ("flat", "tilted", "layers")])
    np.save(tmp_path / "right.npy", maps)
    np.save(tmp_path / "turned.npy", maps.swapaxes(1, 2))
    np.ascontiguousarray(maps.swapaxes(1, 2)).tofile(tmp_path / "turned.bin")
    right = open_dataset(registry, "salt", "smoke", {"path": str(tmp_path / "right.npy")})
    for name in ("turned.npy", "turned.bin"):
        turned = open_dataset(registry, "salt", "smoke", {"path": str(tmp_path / name), "axes": "xz"})
        np.testing.assert_array_equal(turned._made(range(3)), right._made(range(3)))
        assert turned.doubts() == []
    wrong = open_dataset(registry, "salt", "smoke", {"path": str(tmp_path / "turned.bin")})
    assert wrong.fingerprint != turned.fingerprint
    assert "give axes=xz" in wrong.doubts()[0]


def test_transposed_large_model_is_doubted(registry: Registry, tmp_path: Path) -> None:
    model = geology((351, 1701), "tilted")
    np.ascontiguousarray(model.T).tofile(tmp_path / "large.bin")
    texts = {"path": str(tmp_path / "large.bin")}
    assert "give axes=xz" in open_dataset(registry, "marmousi", "smoke", texts).doubts()[0]
    turned = open_dataset(registry, "marmousi", "smoke", {**texts, "axes": "xz"})
    assert turned.doubts() == []
    assert turned.originals is not None
    assert (np.diff(turned.originals[0][0], axis=0) >= 0).all(), "faster with depth"


def test_clipped_values_of_large_model_are_noted(registry: Registry, tmp_path: Path) -> None:
    model = geology((351, 1701), "tilted")
    model[100:110, 100:110] = 5000
    np.save(tmp_path / "large.npy", model)
    dataset = open_dataset(registry, "marmousi", "smoke", {"path": str(tmp_path / "large.npy")})
    assert dataset.doubts() == ["0.00017 of the model lies outside 1500 to 4700 m/s and is clipped"]


def test_originals_have_their_own_summary_and_caveats(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    originals(tmp_path / "own, maps", 4)
    dataset = open_dataset(registry, "salt", "smoke", {"path": str(tmp_path / "own, maps")})
    twin = open_dataset(registry, "salt", "smoke")
    assert (twin.summary, twin.licence, twin.caveats) == (twin.spec.summary, twin.spec.licence, twin.spec.caveats)
    with pytest.raises(DataError, match="is not prepared") as absent:
        dataset.split("random", "test")
    words = shlex.split(absent.value.hint)
    assert words == ["fwibench", "data", "prepare", f'salt[path="{tmp_path}/own, maps"]', "--profile", "smoke"]
    (again,) = read_selected(registry, "dataset", words[3])
    assert open_dataset(registry, again.name, "smoke", again.options).fingerprint == dataset.fingerprint
    dataset.prepare()
    card = make_card(dataset)
    assert card.summary.startswith("4 maps from original files, 40 x 60 at 10 m, simulated")
    assert dict(card.sections["Origin"])["licence"].startswith("that of the original files")
    assert card.caveats[0] == (
        "maps of 201 x 301 nodes are averaged to 40 x 60 and taken to lie at 10 m, so a section of 2010 x 3010 m "
        "becomes one of 400 x 600 m, and structures shrink with it"
    )
    assert not any("synthetic" in text for text in (card.summary, *card.caveats))


def test_info_accepts_options(fwibench: Command, tmp_path: Path) -> None:
    originals(tmp_path / "maps", 4)
    done = fwibench("info", "salt[path=maps]")
    assert done.returncode == 0, done.stderr
    assert "4 maps from original files" in done.stdout
    assert "140 slices" not in done.stdout
    assert "becomes one of 400 x 600 m" in done.stdout
    assert str(tmp_path / "maps") in done.stdout
    wrong = fwibench("info", "salt[path=nowhere]")
    assert wrong.returncode == 1
    assert "there is no file or folder" in wrong.stderr


def test_changed_shard_stops_run(
    fwibench: Command, salt: Dataset, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(salt.folder, tmp_path / "data" / salt.folder.name)
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    dataset = open_dataset(registry, "salt", "smoke")
    assert dataset.prepared()
    dataset.split("random", "test")
    path = dataset.arrays().measurements[0]
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert not dataset.prepared()
    with pytest.raises(DataError, match="data0.npy of salt changed after being made") as changed:
        dataset.split("random", "test")
    assert "delete these files, then make them again: fwibench data prepare salt" in changed.value.hint
    with pytest.raises(DataError, match="changed after being made"):
        dataset.prepare()
    done = fwibench("run", "--methods", "mean-map", "--dataset", "salt", "--profile", "smoke", FWIBENCH_DATA="data")
    assert done.returncode == 3
    (record,) = tmp_path.rglob("record.json")
    assert "data0.npy of salt changed after being made" in json.loads(record.read_text())["reason"]
    path.unlink()
    dataset.prepare()
    np.testing.assert_allclose(
        dataset.split("random", "test").properties[:], salt.split("random", "test").properties[:]
    )
    assert dataset.verify() == []


@pytest.mark.slow
def test_doubts_are_notes_of_runs(
    fwibench: Command, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = np.stack([geology((40, 60), kind).T for kind in ("flat", "tilted", "layers")])
    np.ascontiguousarray(maps).tofile(tmp_path / "turned.bin")
    request = ("--methods", "mean-map", "--dataset", "salt[path=turned.bin]", "--profile", "smoke")
    done = fwibench("run", *request, FWIBENCH_DATA="data")
    assert done.returncode == 0, done.stderr
    (record,) = tmp_path.rglob("record.json")
    found = json.loads(record.read_text())
    assert "give axes=xz" in found["notes"][0]
    # everything is made already, so this is quick
    done = fwibench("data", "prepare", "salt[path=turned.bin]", "--profile", "smoke", FWIBENCH_DATA="data")
    assert done.returncode == 0, done.stderr
    assert "warning:" in done.stderr
    assert "give axes=xz" in " ".join(done.stderr.split())
    assert found["cell"]["dataset_options"]["path"] == str(tmp_path / "turned.bin")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    again = rescore(record.parent, ["mae"], registry)[0]
    assert again.scores["mae"] == pytest.approx(found["scores"]["mae"])


class Masked(FilesOptions):
    """Options of a plugin's dataset with a file of its own."""

    mask: DataPath | None = None


class MaskedSalt(Salt):
    def files(self) -> tuple[Path, ...]:
        mask = self.options.mask  # type: ignore[attr-defined]
        return (*super().files(), *([mask] if mask else []))


def test_files_of_plugin_options_count_by_content(registry: Registry, tmp_path: Path) -> None:
    spec = registry.dataset("salt").spec
    for name, content in (("a", "1"), ("b/a", "1"), ("c/a", "2")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    a, b, c = (MaskedSalt(spec, Masked(mask=tmp_path / name), "smoke").fingerprint for name in ("a", "b/a", "c/a"))
    assert a == b != c
    assert MaskedSalt(spec, Masked(), "smoke").files() == ()


def test_wrong_originals_raise(registry: Registry, tmp_path: Path) -> None:
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
