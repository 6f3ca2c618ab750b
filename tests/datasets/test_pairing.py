"""Pairs of files by the numbers in their names."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwibench.datasets.pairing import pair_by_numbers
from fwibench.errors import DataError

HERE = Path("/data")


def paths(*names: str) -> list[Path]:
    return [HERE / name for name in names]


def numbered(pattern: str, numbers: object) -> list[Path]:
    return [HERE / pattern.format(*(n if isinstance(n, tuple) else (n,))) for n in numbers]  # type: ignore[attr-defined]


NUMBERS = st.sets(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=20)
PATTERNS = st.sampled_from(
    [
        ("run2020_shot{}_{}.npy", "vp_{}_{}_v7.segy"),
        ("s{:03d}x{:d}.npy", "np_vp{:d}_{:05d}.npy"),
        ("part{}/data{}.npy", "part{}/model{}.npy"),
        ("x{0}_y{1}.npy", "model_y{1}_x{0}.npy"),
    ]
)


@given(numbers=NUMBERS, patterns=PATTERNS, seed=st.integers(0, 100))
def test_files_are_paired_by_numbers(numbers: set[tuple[int, int]], patterns: tuple[str, str], seed: int) -> None:
    """Whatever the order of the files, the padding of numbers and the numbers that are the same in all names."""
    order = sorted(numbers)
    random.Random(seed).shuffle(order)
    left, right = (numbered(pattern, order) for pattern in patterns)
    expected = dict(zip(left, right, strict=True))
    random.Random(seed + 1).shuffle(right)
    pairs, notes = pair_by_numbers(left, right)
    assert notes == []
    assert [u for u, _ in pairs] == left
    # names with the same numbers throughout, such as shot3_3, have the same partner whichever number counts
    assert all(expected[u] == c for u, c in pairs)


@given(numbers=st.sets(st.integers(0, 99), min_size=4, max_size=12), data=st.data())
def test_files_without_partner_raise(numbers: set[int], data: st.DataObject) -> None:
    lost = data.draw(st.sampled_from(sorted(numbers)))
    extra = data.draw(st.integers(100, 200))
    left = numbered("shot{}.segy", sorted(numbers))
    right = numbered("vp{}.segy", sorted((numbers - {lost}) | {extra}))
    with pytest.raises(DataError) as wrong:
        pair_by_numbers(left, right)
    assert wrong.value.message.endswith(f"no partner for shot{lost}.segy, vp{extra}.segy")


def test_files_of_other_formats_are_paired() -> None:
    pairs, _ = pair_by_numbers(numbered("shot{}.segy", range(1, 5)), numbered("np_vp{}.npy", range(1, 5)))
    assert [(u.name, c.name) for u, c in pairs] == [(f"shot{i}.segy", f"np_vp{i}.npy") for i in range(1, 5)]


REFUSED = {
    "a missing map": (numbered("shot{}.npy", range(5)), numbered("vp{}.npy", range(4)), "no partner for shot4.npy"),
    "two more": (
        numbered("shot{}.segy", range(1, 6)),
        numbered("vp{}.segy", (1, 2, 3, 4, 6)),
        r"no partner for shot5.segy, vp6.segy",
    ),
    "shifted by one": (numbered("d{}.npy", range(3)), numbered("m{}.npy", range(1, 4)), "for d0.npy, m3.npy"),
    "a missing row": (
        numbered("d{}_{}.npy", ((1, 1), (1, 2), (2, 1), (2, 2))),
        numbered("m{}_{}.npy", ((1, 1), (1, 2))),
        "no partner for d2_1.npy, d2_2.npy",
    ),
    "one map": (numbered("shot{}.npy", range(3)), paths("vp.npy"), "no partner for shot0.npy, .* vp.npy"),
    "no numbers": (paths("a.npy", "b.npy"), paths("c.npy", "d.npy"), "no number in the name of a.npy, b.npy"),
    "some without": (paths("a.npy", "b2.npy"), paths("c1.npy", "d2.npy"), "no partner for a.npy, c1.npy"),
    "twice": (paths("a1.npy", "b1.npy"), paths("c1.npy", "d1.npy"), "a1.npy and .*b1.npy have the same numbers"),
    "the same": (paths("a1.npy"), paths("a1.npy"), "is among measurements and properties"),
    "nothing": ([], paths("a1.npy"), "0 files of measurements"),
}


@pytest.mark.parametrize(("left", "right", "message"), REFUSED.values(), ids=REFUSED)
def test_unpaired_files_raise(left: list[Path], right: list[Path], message: str) -> None:
    with pytest.raises(DataError, match=message) as wrong:
        pair_by_numbers(left, right)
    assert wrong.value.hint


def test_one_file_each_is_paired_with_note_on_numbers() -> None:
    assert pair_by_numbers(paths("shots.npy"), paths("vp.npy")) == ([tuple(paths("shots.npy", "vp.npy"))], [])
    assert pair_by_numbers(paths("run2020_shot1.npy"), paths("vp_2020_1.npy"))[1] == []
    _, (note,) = pair_by_numbers(paths("shot3.npy"), paths("vp4.npy"))
    assert note == "shot3.npy is paired with vp4.npy, one file each, though their numbers differ"
