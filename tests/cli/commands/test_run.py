"""`run`, and the commands that read its results."""

import csv
import json
from pathlib import Path

import pytest

from fwibench.datasets.base import Dataset
from tests.conftest import Command

SMOKE = ("--dataset", "salt", "--profile", "smoke")


@pytest.mark.slow
def test_run_writes_records_that_other_commands_read(fwibench: Command, tmp_path: Path, salt: Dataset) -> None:
    arguments = ("run", "--methods", "mean-map,nearest-neighbour,invlint", *SMOKE, "--seeds", 2)
    done = fwibench(*arguments, "--export", "table.csv")
    assert done.returncode == 0, done.stderr
    assert "salt (synthetic), split random, track standard, profile smoke, 3 test samples" in done.stdout
    assert "MAE [m/s]" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr, "no escape codes in a pipe"
    table = {row["method"]: row for row in csv.DictReader((tmp_path / "table.csv").read_text().splitlines())}
    assert table["invlint"]["seeds"] == "2"
    assert table["mean-map"]["seeds"] == "1", "a method without a seed is run once"
    assert table["invlint"]["parameters"] == "1620087"
    assert float(table["invlint"]["mae"]) > 0
    low, mae, high = (float(table["mean-map"][name]) for name in ("mae_ci_low", "mae", "mae_ci_high"))
    assert low < mae < high
    assert table["mean-map"]["data_misfit"] == ""
    assert "3 test samples cannot distinguish 3 methods" in done.stderr

    again = fwibench(*arguments)
    assert again.stderr.count("finished before") == 4
    assert "[" not in again.stderr

    board = fwibench("leaderboard", "--json")
    assert [row["method"] for row in json.loads(board.stdout)]
    assert "4 ok" in fwibench("status").stdout
    shown = fwibench("show", "invlint-s1")
    for word in ("ridge_r2_test", "1.62M", "split random", "one sample, one CPU thread", "commit", "cpu"):
        assert word in shown.stdout
    assert "unit of the property" in shown.stdout
    record = json.loads(fwibench("show", "invlint-s1", "--json").stdout)
    folder = next((tmp_path / "results" / "runs").glob("*invlint-s1*"))
    scores = list(csv.DictReader((folder / "scores.csv").read_text().splitlines()))
    assert [row["id"] for row in scores] == list(salt.split("random", "test").ids)
    assert record["scores"]["mae"] == pytest.approx(sum(float(row["mae"]) for row in scores) / 3)
    assert (folder / "model" / "weights.npz").exists()
    assert not (folder / "work").exists()

    plan = json.loads(fwibench("plan", "--methods", "mean-map,pixel-ridge", *SMOKE, "--json").stdout)
    assert [cell["state"] for cell in plan["cells"]] == ["finished", "to run"]

    several = fwibench("show", "invlint")
    assert several.returncode == 2
    assert "'invlint' matches 2 runs" in several.stderr

    victim = next((tmp_path / "results" / "runs").glob("*mean-map*")) / "record.json"
    victim.write_text(victim.read_text()[:200])
    damaged = fwibench("leaderboard")
    assert damaged.returncode == 0
    assert f"{victim.relative_to(tmp_path)} cannot be read" in damaged.stderr
    assert "invlint" in damaged.stdout


def test_test_samples_limits_scored_samples(fwibench: Command, salt: Dataset) -> None:
    done = fwibench("run", "--methods", "mean-map", *SMOKE, "--test-samples", 2, "--json")
    assert json.loads(done.stdout)["rows"][0]["n_test"] == 2


@pytest.mark.slow
def test_saved_experiment_answers_from_the_same_runs(fwibench: Command, salt: Dataset) -> None:
    saved = fwibench("run", "--methods", "mean-map", *SMOKE, "--test-samples", 2, "--save", "e.toml")
    assert saved.returncode == 0, saved.stderr
    again = fwibench("run", "--from", "e.toml")
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("finished before") == 1
    other = fwibench("plan", "--from", "e.toml", "--seeds", 2, "--save", "e.toml")
    assert (other.returncode, "e.toml exists" in other.stderr) == (2, True)


INVALID = {
    "an experiment file": (["run", "--from", "none.toml"], "none.toml cannot be read"),
    "no methods": (["run", "--dataset", "salt"], "--methods is missing"),
    "a method": (["run", "--methods", "invlnt", *SMOKE], "did you mean invlint"),
    "a dataset": (["run", "--methods", "invlint", "--dataset", "slat"], "did you mean salt"),
    "a split": (["run", "--methods", "invlint", *SMOKE, "--split", "blok"], "did you mean block"),
    "an option": (["run", "--methods", "invlint[alhpa=1]", *SMOKE], "did you mean alpha"),
    "a value": (["run", "--methods", "invlint", *SMOKE, "--set", "invlint.alpha=-1"], "greater than 0"),
    "a metric": (["run", "--methods", "invlint", *SMOKE, "--metrics", "sssim"], "did you mean ssim"),
    "a device": (["run", "--methods", "invlint", *SMOKE, "--device", "gpu"], "expected auto, cpu, cuda"),
    "a profile": (["run", "--methods", "invlint", "--dataset", "salt", "--profile", "fast"], "quick"),
    "a time": (["run", "--methods", "invlint", *SMOKE, "--time-limit", "soon"], "is not a time"),
    "a budget": (["run", "--methods", "invlint", *SMOKE, "--budget", "5 minutes"], "is not a time"),
    "a budget of no time": (["run", "--methods", "invlint", *SMOKE, "--budget", "0s"], "expected a number above 0"),
    "a budget and epochs": (
        ["run", "--methods", "invlint", *SMOKE, "--budget", "5m", "--set", "invlint.epochs=9"],
        "epochs of invlint and a time budget both set the length of its training",
    ),
    "a number of seeds": (["run", "--methods", "invlint", *SMOKE, "--seeds", "0"], "expected 1 or more"),
    "a suffix": (["run", "--methods", "invlint", *SMOKE, "--export", "a.xls"], "formats are .csv"),
}


@pytest.mark.parametrize(("arguments", "help_"), INVALID.values(), ids=INVALID)
def test_invalid_option_exits_with_code_2_and_suggests_valid_value(
    arguments: list[str], help_: str, fwibench: Command, tmp_path: Path
) -> None:
    done = fwibench(*arguments)
    assert done.returncode == 2, done.stderr
    assert help_ in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists(), "an invalid request writes nothing"
