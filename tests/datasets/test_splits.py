import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fwibench.datasets.splits import block_split, first_of_run, random_split

SIZES = st.tuples(st.integers(40, 300), st.integers(1, 9), st.integers(1, 9))


@given(SIZES, st.integers(0, 4))
def test_no_sample_is_in_two_splits(sizes: tuple[int, int, int], gap: int) -> None:
    for parts in (random_split(*sizes, "salt"), block_split(*sizes, gap)):
        together = np.concatenate(list(parts.values()))
        assert len(np.unique(together)) == len(together)
        assert together.min() >= 0
        assert together.max() < sizes[0]
        assert (len(parts["val"]), len(parts["test"])) == sizes[1:]


@given(SIZES)
def test_random_split_is_complete_and_reproducible(sizes: tuple[int, int, int]) -> None:
    parts = random_split(*sizes, "salt")
    assert sum(map(len, parts.values())) == sizes[0]
    again = random_split(*sizes, "salt")
    assert all(np.array_equal(parts[name], again[name]) for name in parts)


def test_split_depends_on_name_of_dataset() -> None:
    assert not np.array_equal(random_split(140, 10, 10, "salt")["test"], random_split(140, 10, 10, "other")["test"])


@given(SIZES, st.integers(0, 4))
def test_block_split_keeps_gap(sizes: tuple[int, int, int], gap: int) -> None:
    parts = block_split(*sizes, gap)
    for name in ("val", "test"):
        assert (np.diff(parts[name]) == 1).all()
        distance = np.abs(parts["train"][:, None] - parts[name][None]).min()
        assert distance > gap


def test_the_first_of_a_run_names_it_for_any_of_its_numbers() -> None:
    members = np.array([2, 3, 4, 7, 9, 10])
    assert first_of_run(members, members).tolist() == [2, 2, 2, 7, 9, 9]
    assert first_of_run(members, np.array([10, 3])).tolist() == [9, 2]
