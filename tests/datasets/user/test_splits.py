"""How samples of added data are dealt out: one record, named test samples, copies across splits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwibench.datasets.base import Dataset
from fwibench.datasets.splits import random_split
from fwibench.datasets.user.add import add
from fwibench.datasets.user.description import AddedDataset, description_path, forget, read_description
from fwibench.datasets.user.options import Addition
from fwibench.datasets.user.splits import read_numbers, split_sizes
from fwibench.errors import UsageError
from fwibench.plugins.registry import load_registry
from fwibench.runs.opening.datasets import open_dataset

SHAPE, SECTION = (2, 100, 8), (6, 10)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a data folder below."""
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fill(count: int, copies: dict[int, int] | None = None) -> None:
    """Random samples; those that are named are copies of others."""
    rng = np.random.default_rng(0)
    measured = rng.normal(size=(count, *SHAPE)).astype(np.float32)
    mapped = rng.uniform(1500, 4000, (count, 1, *SECTION)).astype(np.float32)
    for copy, original in (copies or {}).items():
        measured[copy], mapped[copy] = measured[original], mapped[original]
    np.save("data.npy", measured)
    np.save("model.npy", mapped)


def wanted(name: str = "mine", **changes: object) -> Addition:
    usual = Addition(name, "data.npy", "model.npy", spacing=10.0, dt=1e-3, frequency=15.0)
    return replace(usual, **changes)


def opened(name: str = "mine", profile: str = "paper") -> Dataset:
    return open_dataset(load_registry(), name, profile)


def parts(name: str = "mine", profile: str = "paper") -> dict[str, list[int]]:
    return {split: numbers.tolist() for split, numbers in opened(name, profile).indices("random").items()}


def test_default_split_does_not_depend_on_the_name(home: Path) -> None:
    fill(20)
    add(wanted("mine"))
    add(wanted("yours"))
    assert parts("mine") == parts("yours")


def test_user_chooses_the_shuffle_the_last_or_the_test_samples_themselves(home: Path) -> None:
    fill(20)
    add(wanted("a", split_seed=1))
    add(wanted("b", split_seed=2))
    assert parts("a")["test"] != parts("b")["test"]
    add(wanted("c", split="last", val=2, test=3))
    assert parts("c") == {"train": [*range(15)], "val": [15, 16], "test": [17, 18, 19]}
    add(wanted("d", test_numbers="4,0,10:13", val=2))
    found = parts("d")
    assert found["test"] == [0, 4, 10, 11, 12]
    assert sorted(number for part in found.values() for number in part) == [*range(20)]
    assert len({opened(name).fingerprint for name in "abcd"}) == 4


def test_descriptions_of_before_keep_their_split_and_their_fingerprint(home: Path) -> None:
    fill(20)
    add(wanted())
    described = read_description("mine")
    path = description_path("mine")
    old = described.model_dump(mode="json", exclude={"split", "split_seed", "test_numbers"})
    path.write_text(AddedDataset.model_validate(old).model_dump_json(exclude={"split", "split_seed", "test_numbers"}))
    assert "split" not in path.read_text()
    expected = random_split(20, described.n_val, described.n_test, "mine")
    assert parts() == {name: numbers.tolist() for name, numbers in expected.items()}


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_records_are_all_test(home: Path, count: int) -> None:
    fill(count)
    found = add(wanted())
    for profile in ("smoke", "quick", "paper"):
        assert parts(profile=profile) == {"train": [], "val": [], "test": [*range(count)]}
    assert "all samples are test: only methods that do not train can run" in found.notes
    assert opened().verify() == []


def test_one_record_is_added_with_its_split_said(home: Path) -> None:
    fill(1)
    add(wanted(val=0, test=1))
    assert parts()["test"] == [0]
    split = opened().split("random", "test")
    assert split.measurements[:].shape == (1, *SHAPE)
    assert len(opened().split("random", "train")) == 0


@given(st.integers(3, 200), st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_sizes_leave_something_to_train_on_or_take_all(n: int, share: float) -> None:
    try:
        n_val, n_test = split_sizes(n, share, share)
    except UsageError:
        return
    assert n_val >= 1
    assert n_test >= 1
    assert n_val + n_test < n


@pytest.mark.parametrize(
    ("n", "val", "test", "expected"),
    [
        (1, None, None, (0, 1)),
        (1, 0, 1, (0, 1)),
        (3, None, None, (1, 1)),
        (10, 0, 10, (0, 10)),
        (10, None, 10, (0, 10)),
    ],
)
def test_sizes(n: int, val: float | None, test: float | None, expected: tuple[int, int]) -> None:
    assert split_sizes(n, val, test) == expected


@pytest.mark.parametrize(("val", "test"), [(0, 5), (5, 5), (-1, 2), (2, 0), (0.5, 0.5), (20, 1)])
def test_sizes_that_leave_a_split_empty_are_refused(val: float, test: float) -> None:
    with pytest.raises(UsageError, match=r"val and test samples|--val is|expected one each|samples of 10"):
        split_sizes(10, val, test)


@pytest.mark.parametrize("text", ["x", "1,", "10", "-1", "3:1", "1.5"])
def test_numbers_that_are_no_samples_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--test-numbers is"):
        read_numbers(text, 10)


def test_one_pair_added_three_times_is_told_by_add_and_by_verify(home: Path) -> None:
    fill(3, {1: 0, 2: 0})
    found = add(wanted())
    told = [note for note in found.notes if note.startswith("warning: splits share samples")]
    assert len(told) == 1
    assert "have the same map and the same measurement; 1 map in all" in told[0]
    assert opened().verify() == []
    assert opened().warnings() == told


def test_same_map_with_other_measurements_is_told_too(home: Path) -> None:
    fill(3, {1: 0, 2: 0})
    np.save("data.npy", np.random.default_rng(1).normal(size=(3, *SHAPE)).astype(np.float32))
    told = [note for note in add(wanted()).notes if note.startswith("warning: ")]
    assert len(told) == 1
    assert "have the same map;" in told[0]


def test_copies_within_one_split_are_a_note_and_different_maps_are_none(home: Path) -> None:
    fill(20)
    add(wanted())
    assert opened().warnings() == []
    train = parts()["train"]
    forget("mine")
    fill(20, {train[1]: train[0]})
    notes = add(wanted()).notes
    assert not any(note.startswith("warning: ") for note in notes)
    assert any(
        f"1 map is a copy of another of the same split: sample {train[1]} of {train[0]}" in note for note in notes
    )


def test_rows_of_electromagnetic_data_are_scaled_by_themselves(home: Path) -> None:
    """One frequency that is 10^4 times as loud as the others must not squeeze them to nothing."""
    rng = np.random.default_rng(0)
    measured = rng.normal(size=(20, 2, 6, 8)).astype(np.float32)
    measured[:, :, 2:4] *= 1e4
    measured[:, :, 5] = 0
    np.save("data.npy", measured)
    np.save("model.npy", rng.uniform(0.01, 1, (20, 1, *SECTION)).astype(np.float32))
    found = add(wanted(kind="em", frequencies="0.1,1,10", property="conductivity", unit="S/m"))
    amplitude = opened().problem.amplitude
    assert (amplitude.low, amplitude.high) == (-1, 1)
    scaled = amplitude.normalise(measured, np)
    np.testing.assert_allclose(np.abs(scaled).max((0, 1, 3)), [1, 1, 1, 1, 1, 0], rtol=1e-6)
    assert "row 5 of the measurements is zero throughout" in found.notes
