"""How samples of added data are dealt out: one record, named test samples, copies across splits."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwibench.datasets.base import Dataset
from fwibench.datasets.splits import random_split
from fwibench.datasets.user.add import add_dataset
from fwibench.datasets.user.description import Description, description_path, forget, read_description
from fwibench.datasets.user.number_lists import parse_sample_numbers
from fwibench.datasets.user.options import AddOptions, make_options
from fwibench.datasets.user.splits import split_sizes
from fwibench.errors import UsageError
from fwibench.plugins.registry import load_registry
from fwibench.runs.opening.datasets import open_dataset

SHAPE, SECTION = (2, 100, 8), (6, 10)


def fill(count: int, copies: dict[int, int] | None = None) -> None:
    """Random samples; those that are named are copies of others."""
    rng = np.random.default_rng(0)
    measured = rng.normal(size=(count, *SHAPE)).astype(np.float32)
    mapped = rng.uniform(1500, 4000, (count, 1, *SECTION)).astype(np.float32)
    for copy, original in (copies or {}).items():
        measured[copy], mapped[copy] = measured[original], mapped[original]
    np.save("data.npy", measured)
    np.save("model.npy", mapped)


def add_options(name: str = "mine", **changes: object) -> AddOptions:
    usual = {
        "name": name,
        "measurements": "data.npy",
        "properties": "model.npy",
        "spacing": 10.0,
        "dt": 1e-3,
        "frequency": 15.0,
    }
    return make_options({**usual, **changes})


def opened(name: str = "mine", profile: str = "paper") -> Dataset:
    return open_dataset(load_registry(), name, profile)


def parts(name: str = "mine", profile: str = "paper") -> dict[str, list[int]]:
    return {split: numbers.tolist() for split, numbers in opened(name, profile).indices("random").items()}


def test_default_split_does_not_depend_on_name(home: Path) -> None:
    fill(20)
    add_dataset(add_options("mine"))
    add_dataset(add_options("yours"))
    assert parts("mine") == parts("yours")


def test_split_follows_seed_order_or_test_numbers(home: Path) -> None:
    fill(20)
    add_dataset(add_options("a", split_seed=1))
    add_dataset(add_options("b", split_seed=2))
    assert parts("a")["test"] != parts("b")["test"]
    add_dataset(add_options("c", split="last", val=2, test=3))
    assert parts("c") == {"train": [*range(15)], "val": [15, 16], "test": [17, 18, 19]}
    add_dataset(add_options("d", test_numbers="4,0,10:13", val=2))
    found = parts("d")
    assert found["test"] == [0, 4, 10, 11, 12]
    assert sorted(number for part in found.values() for number in part) == [*range(20)]
    assert len({opened(name).fingerprint for name in "abcd"}) == 4


def test_description_of_early_version_keeps_split(home: Path) -> None:
    fill(20)
    add_dataset(add_options())
    described = read_description("mine")
    path = description_path("mine")
    old = described.model_dump(mode="json", exclude={"split", "split_seed", "test_numbers"})
    path.write_text(Description.model_validate(old).model_dump_json(exclude={"split", "split_seed", "test_numbers"}))
    assert "split" not in path.read_text()
    expected = random_split(20, described.n_val, described.n_test, "mine")
    assert parts() == {name: numbers.tolist() for name, numbers in expected.items()}


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_samples_are_all_test(home: Path, count: int) -> None:
    fill(count)
    found = add_dataset(add_options())
    for profile in ("smoke", "quick", "paper"):
        assert parts(profile=profile) == {"train": [], "val": [], "test": [*range(count)]}
    assert "all samples are test: only methods that do not train can run" in found.notes
    assert opened().verify() == []


def test_single_sample_is_test_with_given_sizes(home: Path) -> None:
    fill(1)
    add_dataset(add_options(val=0, test=1))
    assert parts()["test"] == [0]
    split = opened().split("random", "test")
    assert split.measurements[:].shape == (1, *SHAPE)
    assert len(opened().split("random", "train")) == 0


@given(st.integers(3, 200), st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_sizes_leave_train_samples_or_take_all(n: int, share: float) -> None:
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
def test_sizes_of_val_and_test(n: int, val: float | None, test: float | None, expected: tuple[int, int]) -> None:
    assert split_sizes(n, val, test) == expected


@pytest.mark.parametrize(("val", "test"), [(0, 5), (5, 5), (-1, 2), (2, 0), (0.5, 0.5), (20, 1)])
def test_sizes_that_leave_split_empty_raise(val: float, test: float) -> None:
    with pytest.raises(UsageError, match=r"val and test samples|--val is|expected one each|samples of 10"):
        split_sizes(10, val, test)


@pytest.mark.parametrize("text", ["x", "1,", "10", "-1", "3:1", "1.5"])
def test_numbers_that_are_not_samples_raise(text: str) -> None:
    with pytest.raises(UsageError, match="--test-numbers is"):
        parse_sample_numbers(text, 10)


def test_copies_across_splits_are_warned_of(home: Path) -> None:
    fill(3, {1: 0, 2: 0})
    found = add_dataset(add_options())
    warnings = [note for note in found.notes if note.startswith("warning: splits share samples")]
    assert len(warnings) == 1
    assert "have the same map and the same measurement; 1 map in all" in warnings[0]
    assert opened().verify() == []
    assert opened().warnings() == warnings


def test_equal_map_with_other_measurements_is_warned_of(home: Path) -> None:
    fill(3, {1: 0, 2: 0})
    np.save("data.npy", np.random.default_rng(1).normal(size=(3, *SHAPE)).astype(np.float32))
    warnings = [note for note in add_dataset(add_options()).notes if note.startswith("warning: ")]
    assert len(warnings) == 1
    assert "have the same map;" in warnings[0]


def test_copies_within_split_are_noted(home: Path) -> None:
    fill(20)
    add_dataset(add_options())
    assert opened().warnings() == []
    train = parts()["train"]
    forget("mine")
    fill(20, {train[1]: train[0]})
    notes = add_dataset(add_options()).notes
    assert not any(note.startswith("warning: ") for note in notes)
    assert any(
        f"1 map is a copy of another of the same split: sample {train[1]} of {train[0]}" in note for note in notes
    )


def test_electromagnetic_rows_are_scaled_separately(home: Path) -> None:
    """One frequency that is 10^4 times as loud as the others must not squeeze them to nothing."""
    rng = np.random.default_rng(0)
    measured = rng.normal(size=(20, 2, 6, 8)).astype(np.float32)
    measured[:, :, 2:4] *= 1e4
    measured[:, :, 5] = 0
    np.save("data.npy", measured)
    np.save("model.npy", rng.uniform(0.01, 1, (20, 1, *SECTION)).astype(np.float32))
    found = add_dataset(add_options(kind="em", frequencies="0.1,1,10", property="conductivity", unit="S/m"))
    amplitude = opened().problem.amplitude
    assert (amplitude.low, amplitude.high) == (-1, 1)
    scaled = amplitude.normalise(measured, np)
    np.testing.assert_allclose(np.abs(scaled).max((0, 1, 3)), [1, 1, 1, 1, 1, 0], rtol=1e-6)
    assert "row 5 of the measurements is zero throughout" in found.notes


def test_groups_are_files_rows_or_names(home: Path) -> None:
    fill(16)
    for kind in ("data", "model"):
        whole = np.load(f"{kind}.npy")
        np.save(f"two-{kind}1.npy", whole[:12])
        np.save(f"two-{kind}2.npy", whole[12:])
    two = {"measurements": "two-data*.npy", "properties": "two-model*.npy"}
    add_dataset(add_options("files", groups="files", **two))
    add_dataset(add_options("rows", groups="4", split="last", val=4, test=4))
    add_dataset(add_options("names", groups=",".join("abcdefghijklmnop")))
    every = np.arange(16)
    assert opened("files").groups("random", every) == ("file-0",) * 12 + ("file-1",) * 4
    assert set(opened("rows").split("random", "test").groups) == {"samples-from-12"}
    assert opened("names").groups("random", every[3:5]) == ("d", "e")
    add_dataset(add_options("alone"))
    assert opened("alone").split("random", "test").groups == ()
    before = opened("alone").fingerprint
    forget("alone")
    add_dataset(add_options("alone", groups="4"))
    assert opened("alone").fingerprint == before, "runs from before the groups were named stay valid"


def test_groups_in_test_and_train_are_noted(home: Path) -> None:
    fill(12)
    found = add_dataset(add_options("rows", groups="4", test=4))
    assert any("groups with samples in test and in train or val: scores are too good" in note for note in found.notes)
    kept = add_dataset(add_options("kept", groups="4", split="last", val=4, test=4))
    assert not any("scores are too good" in note for note in kept.notes)


@pytest.mark.parametrize(("text", "message"), [("99", "--groups is 99, expected 1 to 12"), ("a,b", "names 2 groups")])
def test_groups_that_do_not_fit_the_samples_raise(home: Path, text: str, message: str) -> None:
    fill(12)
    with pytest.raises(UsageError, match=message):
        add_dataset(add_options(groups=text))
