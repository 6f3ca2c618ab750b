"""Arrays and SEG-Y files that become datasets."""

import re
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.user.add import add_dataset
from fwibench.datasets.user.description import converted_folder, forget
from fwibench.errors import DataError
from tests.datasets.readers.test_readers import write_segy
from tests.datasets.user.arrays import SECTION, SHAPE, add_options, everything, fill, opened


def test_arrays_are_read_in_place_paired_and_split(home: Path) -> None:
    fill(home)
    found = add_dataset(add_options(val=2, test=0.25, licence="CC0"))
    dataset = opened()
    assert dataset.source == "files"
    assert dataset.spec.licence == "CC0"
    assert dataset.prepared()
    assert dataset.missing_bytes() == 0
    assert dataset.folder == home
    assert dataset.problem.measurement_shape == SHAPE
    assert {name: len(part) for name, part in dataset.indices("random").items()} == {"train": 7, "val": 2, "test": 3}
    measured, mapped = everything(dataset)
    np.testing.assert_array_equal(measured[:, 0, 0, 0], mapped[:, 0, 0, 0])
    np.testing.assert_array_equal(np.sort(mapped[:, 0, 0, 0]), 1500 + np.arange(12))
    assert (dataset.problem.property.low, dataset.problem.property.high) == (1500, 2000)
    assert (dataset.problem.amplitude.low, dataset.problem.amplitude.high) == (measured.min(), measured.max())
    assert found.amplitude.read == found.property.read == 12
    assert dataset.verify() == []
    assert not converted_folder("mine").exists(), "nothing is copied"


def test_other_number_types_and_missing_axes_give_same_samples(home: Path) -> None:
    fill(home)
    add_dataset(add_options())
    expected = everything(opened())
    forget("mine")
    for k in (1, 2, 10):
        np.save(home / f"data{k}.npy", np.load(home / f"data{k}.npy").astype(np.float64))
        np.save(home / f"model{k}.npy", np.asfortranarray(np.load(home / f"model{k}.npy")[:, 0].astype(np.int32)))
    add_dataset(add_options())
    for old, new in zip(expected, everything(opened()), strict=True):
        np.testing.assert_array_equal(old, new)


def test_more_files_than_are_kept_open_are_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fwibench.samples.OPEN_SHARDS", 3)
    for i in range(10):
        np.save(home / f"data{i}.npy", np.full(SHAPE, i, np.float32))
        np.save(home / f"model{i}.npy", np.full(SECTION, 1500 + i, np.float32))
    add_dataset(add_options())
    measured, mapped = everything(opened())
    np.testing.assert_array_equal(measured[:, 1, 2, 3] + 1500, mapped[:, 0, 3, 4])
    np.testing.assert_array_equal(np.sort(measured[:, 0, 0, 0]), np.arange(10))


def test_smaller_profile_takes_subset_of_each_split(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(home, (30, 30, 30))
    add_dataset(add_options())
    monkeypatch.setattr("fwibench.datasets.user.dataset.LIMITS", {"smoke": 20})
    smoke, paper = opened("smoke"), opened("paper")
    assert smoke.size == sum(map(len, smoke.indices("random").values())) == 20
    for name, part in paper.indices("random").items():
        assert set(smoke.indices("random")[name]) < set(part)
    assert smoke.fingerprint != paper.fingerprint


def test_unit_km_per_s_is_kept(home: Path) -> None:
    fill(home)
    for k in (1, 2, 10):
        np.save(home / f"model{k}.npy", np.load(home / f"model{k}.npy") / 1000)
    found = add_dataset(add_options(unit="km/s"))
    assert found.description.problem.property.unit == "km/s"
    assert found.description.problem.physics is None


def test_electromagnetic_data_are_added(home: Path) -> None:
    fill(home)
    found = add_dataset(
        add_options(kind="em", frequencies=",".join(map(str, range(1, 16))), property="conductivity", unit="S/m")
    )
    assert found.description.spec().measurements == "em"
    assert opened().problem.measurement_shape == SHAPE


def test_segy_files_are_converted(home: Path) -> None:
    rng = np.random.default_rng(0)
    shots = rng.normal(size=(4, 3, 5, 20)).astype(np.float32)  # files, shots, receivers, time
    sections = rng.uniform(1500, 4500, (4, 6, 10)).astype(np.float32)
    for i in range(4):
        write_segy(home / f"shots{i}.sgy", shots[i].reshape(15, 20), 2000, np.repeat([7, 8, 9], 5))
        write_segy(home / f"vp{i}.segy", sections[i].T)
    found = add_dataset(add_options(measurements="shots*.sgy", properties="vp*.segy", dt=None))
    survey = found.description.problem.survey
    assert survey.shape == (3, 20, 5)
    assert survey.dt == 0.002
    measured, mapped = everything(opened())
    order = np.concatenate([opened().indices("random")[name] for name in ("train", "val", "test")])
    np.testing.assert_array_equal(measured, shots.transpose(0, 1, 3, 2)[order])
    np.testing.assert_array_equal(mapped[:, 0], sections[order])
    assert forget("mine")
    assert not converted_folder("mine").exists()
    assert (home / "shots0.sgy").exists()
    with pytest.raises(DataError, match=r"--dt is 0.001 s, the files say 0.002 s"):
        add_dataset(add_options(measurements="shots*.sgy", properties="vp*.segy"))
    assert not converted_folder("mine").exists(), "what was converted in vain is gone"


@pytest.mark.parametrize(
    ("shape", "maps", "counts", "survey", "note"),
    [
        ((12, 30, 8), (12, *SECTION), (12,), (1, 30, 8), "12 samples of one source, .* has 12 maps"),
        ((5, 30, 8), SECTION, (1,), (5, 30, 8), "one sample of 5 sources, .* has 1 map"),
        ((30, 8), SECTION, (1,), (1, 30, 8), "one sample of one source"),
        ((12, 2, 30, 8), (12, *SECTION), (12,), (2, 30, 8), ""),
    ],
)
def test_missing_axes_follow_from_number_of_maps(
    shape: tuple[int, ...],
    maps: tuple[int, ...],
    counts: tuple[int, ...],
    survey: tuple[int, ...],
    note: str,
    home: Path,
) -> None:
    rng = np.random.default_rng(0)
    measured = rng.normal(size=shape).astype(np.float32)
    np.save(home / "data.npy", measured)
    np.save(home / "model.npy", rng.uniform(1500, 4500, maps).astype(np.float32))
    found = add_dataset(add_options(measurements="data.npy", properties="model.npy"))
    assert (found.description.counts, found.description.problem.survey.shape) == (counts, survey)
    assert bool(note) == any("is taken as" in one for one in found.notes)
    assert re.search(note, " ".join(found.notes))
    measured = measured.reshape(-1, *survey)
    split = opened().indices("random")
    order = np.concatenate([split[name] for name in ("train", "val", "test") if len(split[name])])
    parts = [opened().split("random", name).measurements[:] for name in ("train", "val", "test") if len(split[name])]
    np.testing.assert_array_equal(np.concatenate(parts), measured[order])
