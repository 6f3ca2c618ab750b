"""`leaderboard`, `compare`, `merge` and `diff` as they are typed."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.boards.records import leave
from tests.conftest import Command

ERRORS = np.random.default_rng(0).lognormal(3, 0.3, 20)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two methods on two splits; the second has options with markup and terminal codes."""
    root = tmp_path / "results"
    for split in ("random", "block"):
        leave(root, "a", ERRORS, split=split)
        leave(root, "b", ERRORS + 9, split=split, chosen={"x": "[red]\x1b[31m<script>"})
    return root


@pytest.mark.slow
def test_leaderboard_and_compare(fwibench: Command, results: Path) -> None:
    plain = fwibench("leaderboard")
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.count("MAE [m/s]") == 2
    assert "[red]" in plain.stdout
    assert "\x1b" not in plain.stdout

    whole = fwibench("leaderboard", "--baseline", "a", "--sort", "-mae", "--published", "--json", "--export", "t.csv")
    found = json.loads(whole.stdout)
    assert [row["method"] for row in found["rows"] if row["status"] == "ok"] == ["b", "a", "b", "a"]
    assert [row["rank"] for row in found["rows"] if row["status"] == "published"] == [None] * 5
    assert {one["split"]: round(one["difference"], 6) for one in found["comparisons"]} == {"random": 9, "block": 9}
    table = list(csv.DictReader((results.parent / "t.csv").read_text().splitlines()))
    assert len(table) == len(found["rows"])

    assert "published numbers are as printed" in whole.stderr
    only = fwibench("leaderboard", "--split", "block", "--sort", "ssim-wang")
    assert only.stdout.count("MAE [m/s]") == 1
    assert "split block" in only.stdout

    shown = fwibench("show", "random-quick-a").stdout
    assert "unit of the property" in shown
    assert "throughput" not in shown, "it was not measured"

    pair = fwibench("compare", "a", "b", "--split", "block", "--metric", "ssim")
    assert pair.returncode == 0, pair.stderr
    assert "salt (synthetic), split block, track standard, profile quick: ssim, high is better" in pair.stdout
    assert pair.stdout.rstrip().endswith("20  1 / 1  a")
    pairs = json.loads(fwibench("compare", "a", "b", "--json").stdout)
    assert [(one["unit"], one["better"]) for one in pairs] == [("m/s", "a")] * 2


WRONG = {
    "a column": (["leaderboard", "--sort", "sism"], "did you mean ssim"),
    "a baseline": (["leaderboard", "--baseline", "aa"], "there is no method in these results named 'aa'"),
    "one method": (["compare", "a"], "two methods or more"),
    "a metric": (["compare", "a", "b", "--metric", "sism"], "did you mean ssim"),
    "a dataset": (["compare", "a", "b", "--dataset", "slat"], "did you mean salt"),
    "a split": (["leaderboard", "--split", "blok"], "did you mean block"),
    "a rule": (["merge", "results", "-o", "out", "--duplicates", "oldest"], "'newest', 'first', 'refuse'"),
    "a run": (["rescore", "zzz"], "there is no finished run named 'zzz'"),
}


@pytest.mark.parametrize(("arguments", "help_"), WRONG.values(), ids=WRONG)
def test_unknown_name_suggests_closest_name(arguments: list[str], help_: str, fwibench: Command, results: Path) -> None:
    done = fwibench(*arguments)
    assert done.returncode == 2, done.stderr
    assert help_ in done.stderr
    assert not (results.parent / "out").exists()


def test_unwritable_paths_give_one_line(fwibench: Command, results: Path) -> None:
    (results.parent / "table.csv").mkdir()
    (results.parent / "file").touch()
    for arguments in (("leaderboard", "--export", "table.csv"), ("merge", "results", "-o", "file/deeper")):
        done = fwibench(*arguments)
        assert done.returncode == 1, done.stderr
        assert "cannot be written" in done.stderr
        assert "Traceback" not in done.stderr


def test_merge_and_diff(fwibench: Command, results: Path, tmp_path: Path) -> None:
    leave(tmp_path / "other", "a", ERRORS + 1, started="2027")
    merged = fwibench("merge", "results", "other", "-o", "all")
    assert merged.returncode == 0, merged.stderr
    assert "4 runs in all, 4 of them copied; 1 duplicates, 1 of them with different results" in merged.stdout
    assert "results differ: salt-random-quick-a-s0-" in merged.stderr
    same = fwibench("diff", "all", "all")
    assert (same.returncode, same.stdout) == (0, "4 cells are the same in both\n")
    other = fwibench("diff", "results", "all", "--json")
    assert other.returncode == 1
    changes = {one["what"]: one["size"] for one in json.loads(other.stdout)["changes"]}
    assert changes["mae"] == pytest.approx(1)
    assert "only in results" in fwibench("diff", "results", "other").stdout
