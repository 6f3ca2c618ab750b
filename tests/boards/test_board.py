from pathlib import Path

import numpy as np
import pytest

from fwibench.boards.board import ONE_SEED, Board, sort_rows
from fwibench.boards.pairwise import Compared, compare_all, compare_with
from fwibench.boards.repetitions import select_records
from fwibench.errors import DataError, UnknownNameError, UsageError
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.results import Results
from tests.boards.records import builtin_columns, leave, read_board

GENERATOR = np.random.default_rng(0)
BASE = GENERATOR.lognormal(3, 0.3, 30)
IDS = [f"s-{number:03d}" for number in range(30)]


def board_of(root: Path, *, common: bool = False) -> Board:
    return read_board(root, metrics=("ssim",), common=common)


def compare(board: Board, names: list[str], metric: str = "mae") -> tuple[list[Compared], list[str]]:
    return compare_all(board.lines, names, board.columns.metrics[metric])


def compare_baseline(board: Board, name: str) -> tuple[list[Compared], list[str]]:
    return compare_with(board.lines, name, board.columns.ranking)


def test_methods_indistinguishable_from_the_best_share_its_rank(tmp_path: Path) -> None:
    noise = GENERATOR.normal(0, 3, (2, 30))
    leave(tmp_path, "best", BASE)
    leave(tmp_path, "alike", BASE + 0.2 + noise[0] - noise[0].mean())
    leave(tmp_path, "behind", BASE + 1)
    leave(tmp_path, "far", BASE + 20 + noise[1])
    leave(tmp_path, "broken", None, n_test=30)
    ranks = {row["method"]: row["rank"] for row in board_of(tmp_path).rows}
    assert ranks == {"best": 1, "alike": 1, "behind": 3, "far": 4, "broken": None}


def test_the_interval_is_over_seeds_and_samples(tmp_path: Path) -> None:
    for seed in range(3):
        leave(tmp_path, "a", BASE + seed, seed=seed)
    leave(tmp_path, "a", None, seed=3)
    (row,) = board_of(tmp_path).rows
    assert row["mae"] == pytest.approx(BASE.mean() + 1)
    assert row["mae_ci_low"] < row["mae"] < row["mae_ci_high"]
    assert (row["seeds"], row["n_failed"], row["status"]) == (3, 1, "ok")
    (line,) = board_of(tmp_path).lines
    assert line.samples is not None
    assert line.samples.values["mae"].shape == (3, 30)


def test_a_single_sample_has_no_interval(tmp_path: Path) -> None:
    leave(tmp_path, "a", [3.0])
    (row,) = board_of(tmp_path).rows
    assert row["mae"] == 3
    assert row["mae_ci_low"] is None
    assert row["mae_ci_high"] is None


def test_too_few_samples_give_no_ranks_and_a_note(tmp_path: Path) -> None:
    for number in range(4):
        leave(tmp_path, f"m{number}", np.arange(1.0, 5) + 100 * number)
    board = board_of(tmp_path)
    assert [row["rank"] for row in board.rows] == [None] * 4
    (note,) = board.notes
    # three comparisons: 3 * 2 ** (1 - n) falls below 0.05 at 7
    assert note.endswith("not ranked, 4 test samples cannot distinguish 4 methods; at least 7 are needed")
    for number in range(4):
        leave(tmp_path, f"m{number}", np.arange(1.0, 8) + 100 * number)
    assert [row["rank"] for row in board_of(tmp_path).rows] == [1, 2, 3, 4]


def test_other_samples_are_ranked_separately_and_common_ranks_them_together(tmp_path: Path) -> None:
    leave(tmp_path, "full", BASE)
    leave(tmp_path, "some", BASE[::3] + 5, ids=IDS[::3], test_samples=10)
    board = board_of(tmp_path)
    assert [row["rank"] for row in board.rows] == [1, 1]
    (note,) = board.notes
    assert "ranked separately, as methods were scored on 10 or 30 test samples; --common" in note
    together = board_of(tmp_path, common=True)
    rows = {row["method"]: row for row in together.rows}
    assert rows["full"]["mae"] == pytest.approx(BASE[::3].mean())
    assert rows["full"]["ssim"] == pytest.approx((1 / (1 + BASE[::3])).mean())
    assert {row["n_test"] for row in together.rows} == {10}
    assert (rows["full"]["rank"], rows["some"]["rank"]) == (1, 2)
    assert together.notes == [
        "salt (synthetic), split random, track standard, profile quick: all are scored on the 10 test samples that "
        "all have",
        ONE_SEED,
    ]


def test_common_takes_the_longest_run_of_a_method_once(tmp_path: Path) -> None:
    leave(tmp_path, "a", BASE)
    leave(tmp_path, "a", BASE[::3] + 50, ids=IDS[::3], test_samples=10)
    leave(tmp_path, "b", BASE[:5], ids=IDS[:5], test_samples=5)
    rows = board_of(tmp_path, common=True).rows
    assert [row["method"] for row in rows] == ["a", "b"]
    assert rows[0]["mae"] == pytest.approx(rows[1]["mae"])


def test_common_takes_what_the_seeds_of_a_row_share(tmp_path: Path) -> None:
    leave(tmp_path, "a", BASE[:10] + 50, ids=IDS[:10], test_samples=10)
    leave(tmp_path, "a", BASE, seed=1)
    leave(tmp_path, "b", BASE + 1)
    leave(tmp_path, "broken", None, n_test=30)
    board = board_of(tmp_path, common=True)
    rows = {row["method"]: row for row in board.rows}
    assert rows["a"]["mae"] == pytest.approx(BASE[:10].mean() + 25)
    assert rows["b"]["mae"] == pytest.approx(BASE[:10].mean() + 1)
    assert (rows["b"]["rank"], rows["a"]["rank"], rows["broken"]["rank"]) == (1, 2, None)
    assert {row["n_test"] for row in board.rows} == {10}, "what failed stands with the others"
    assert board.notes[0].endswith("its seeds have 10 test samples in common")


def test_a_row_without_scores_of_samples_is_not_ranked_among_those_with(tmp_path: Path) -> None:
    damaged = leave(tmp_path, "a", BASE)
    leave(tmp_path, "b", BASE + 1)
    leave(tmp_path, "c", BASE + 9)
    table = RunFiles(Results(tmp_path).folder(damaged.cell)).scores
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    for common in (False, True):
        board = board_of(tmp_path, common=common)
        assert {row["method"]: row["rank"] for row in board.rows} == {"a": None, "b": 1, "c": 2}
        assert "has 29 samples, its record 30; fwibench rescore writes it again" in board.notes[0]


def test_seeds_on_other_samples_make_no_interval(tmp_path: Path) -> None:
    leave(tmp_path, "a", BASE[:10], ids=IDS[:10])
    leave(tmp_path, "a", BASE[:10], ids=IDS[5:15], seed=1)
    (line,) = board_of(tmp_path).lines
    assert line.row["mae_ci_low"] is None
    assert line.faults[0].endswith("its seeds were not scored on the same samples")


def test_tables_of_few_samples_come_before_those_of_many(tmp_path: Path) -> None:
    for n in (10, 5, 9):
        leave(tmp_path, "a", BASE[:n], ids=IDS[:n], test_samples=n)
    assert [row["n_test"] for row in board_of(tmp_path).rows] == [5, 9, 10]


def test_common_without_a_shared_sample_gives_a_note(tmp_path: Path) -> None:
    leave(tmp_path, "a", BASE[:2], ids=IDS[:2])
    leave(tmp_path, "b", BASE[:3], ids=IDS[3:6])
    assert "there is no test sample that all methods were scored on" in board_of(tmp_path, common=True).notes[0]


def test_equally_many_but_different_samples_are_not_ranked(tmp_path: Path) -> None:
    leave(tmp_path, "a", BASE[:8], ids=IDS[:8])
    leave(tmp_path, "b", BASE[8:16], ids=IDS[8:16])
    board = board_of(tmp_path)
    assert [row["rank"] for row in board.rows] == [None, None]
    assert "not ranked, test samples differ" in board.notes[0]


@pytest.mark.parametrize(
    "changes", [{"track": "oracle-start"}, {"source": "files"}, {"split": "block"}, {"fingerprint": "0" * 64}]
)
def test_different_settings_are_neither_ranked_nor_compared_together(tmp_path: Path, changes: dict[str, str]) -> None:
    leave(tmp_path, "a", BASE)
    leave(tmp_path, "b", BASE + 9, **changes)
    board = board_of(tmp_path)
    assert [row["rank"] for row in board.rows] == [1, 1]
    with pytest.raises(DataError, match="a, b cannot be compared: no two were scored in the same setting"):
        compare(board, ["a", "b"])


def test_different_data_of_one_name_get_different_names(tmp_path: Path) -> None:
    leave(tmp_path, "a", BASE)
    leave(tmp_path, "b", BASE, fingerprint="0123456789")
    assert {row["dataset"] for row in board_of(tmp_path).rows} == {"salt@ffffffff", "salt@01234567"}


def test_rows_are_sorted_within_their_group_the_best_first(tmp_path: Path) -> None:
    for method, shift in (("a", 0), ("b", 5), ("c", 9)):
        leave(tmp_path, method, BASE + shift)
    leave(tmp_path, "d", None, n_test=30)
    leave(tmp_path, "z", BASE, split="block")
    rows = board_of(tmp_path).rows

    def order(column: str) -> str:
        return "".join(row["method"] for row in sort_rows(rows, column, builtin_columns()))

    assert order("mae") == "zabcd"
    assert order("-mae") == "zcbad"
    assert order("ssim") == "zabcd", "high is better"
    assert order("-method") == "zdcba"
    with pytest.raises(UnknownNameError, match="no column named 'sism'"):
        sort_rows(rows, "sism", builtin_columns())


def test_methods_are_selected_by_name_and_options(tmp_path: Path) -> None:
    leave(tmp_path, "a", BASE, chosen={"alpha": 10.0})
    leave(tmp_path, "a", BASE + 3, chosen={"alpha": 20.0})
    leave(tmp_path, "b", BASE + 9)
    board = board_of(tmp_path)
    (one,), faults = compare(board, ["a[alpha=10.0]", "b"], "ssim")
    assert faults == [ONE_SEED]
    assert one.comparisons[0].difference > 0
    with pytest.raises(UsageError, match="2 rows are named 'a'") as error:
        compare(board, ["a", "b"])
    assert error.value.hint == "choose a[alpha=10.0] or a[alpha=20.0]"
    with pytest.raises(UnknownNameError):
        compare(board, ["a[alpha=11.0]", "b"])


def test_a_baseline_is_compared_with_every_method(tmp_path: Path) -> None:
    for method, shift in (("a", 0), ("b", 5), ("c", 9)):
        leave(tmp_path, method, BASE + shift)
    leave(tmp_path, "a", BASE, split="block")
    (one,), faults = compare_baseline(board_of(tmp_path), "b")
    assert [(made.method, made.other, round(made.difference, 9)) for made in one.comparisons] == [
        ("a", "b", -5),
        ("c", "b", 4),
    ]
    assert faults == ["salt (synthetic), split block, track standard, profile quick: b was not run there", ONE_SEED]


def test_the_run_with_most_samples_of_a_method_is_compared(tmp_path: Path) -> None:
    for method, shift in (("a", 0.0), ("b", 5.0)):
        leave(tmp_path, method, BASE + shift)
        leave(tmp_path, method, BASE[::6] + shift, ids=IDS[::6], test_samples=5)
    for made, faults in (
        compare_baseline(board_of(tmp_path), "b"),
        compare(board_of(tmp_path), ["a", "b"]),
    ):
        assert [pair.n for one in made for pair in one.comparisons] == [30]
        assert faults == [ONE_SEED]


def test_the_latest_version_of_a_method_is_compared(tmp_path: Path) -> None:
    leave(tmp_path, "a", BASE - 1)
    leave(tmp_path, "a", BASE + 3, version="2", started="2026-03-01")
    leave(tmp_path, "b", BASE)
    (one,), _ = compare_baseline(board_of(tmp_path), "b")
    assert [round(pair.difference, 9) for pair in one.comparisons] == [3]


def test_a_comparison_reports_what_could_not_be_compared(tmp_path: Path) -> None:
    damaged = leave(tmp_path, "a", BASE[:5], ids=IDS[:5])
    leave(tmp_path, "b", BASE[:5] + 1, ids=IDS[:5])
    leave(tmp_path, "c", BASE[:5] + 2, ids=IDS[:5])
    leave(tmp_path, "d", None)
    _, faults = compare(board_of(tmp_path), ["b", "c", "d"])
    assert [fault.partition("quick: ")[2] for fault in faults[:-1]] == [
        "d has no scores: failed",
        "5 samples are too few for a significant difference here; at least 6 are needed",
    ]
    assert faults[-1] == ONE_SEED
    RunFiles(Results(tmp_path).folder(damaged.cell)).scores.unlink()
    with pytest.raises(DataError, match="a, b cannot be compared: .*No such file.*fwibench rescore"):
        compare(board_of(tmp_path), ["a", "b"])


def test_records_are_selected_by_the_names_shown(tmp_path: Path) -> None:
    leave(tmp_path, "a", BASE)
    leave(tmp_path, "b", BASE, fingerprint="0123456789")
    leave(tmp_path, "c", BASE, dataset="marmousi", split="block")
    records = Results(tmp_path).records()[0]
    assert [one.cell.method for one in select_records(records, "salt@01234567")] == ["b"]
    assert [one.cell.method for one in select_records(records, "salt", "random", "quick")] == ["a", "b"]
    with pytest.raises(UnknownNameError, match="no split in these results named 'blok'"):
        select_records(records, split="blok")


def test_damaged_scores_give_no_interval_and_a_note(tmp_path: Path) -> None:
    record = leave(tmp_path, "a", BASE)
    leave(tmp_path, "b", BASE)
    table = RunFiles(Results(tmp_path).folder(record.cell)).scores
    for damage in (b"", b"id,mae\ns-1\n", b"id,mae\ns-1,x\n", b"id,mae\nx,1\nx,2\n", b"\xff\xfe"):
        table.write_bytes(damage)
        board = board_of(tmp_path)
        assert [row["mae_ci_low"] is None for row in board.rows] == [True, False]
        assert "has no interval" in board.notes[0]
