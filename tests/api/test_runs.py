from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fwibench as fb
from fwibench.errors import UnknownNameError, UsageError
from tests.conftest import Command

SCRIPT = """
import fwibench as fb
outcome = fb.run(["mean-map", "pixel-ridge"], "salt", profile="smoke")
print(outcome.leaderboard()[["method", "mae"]].to_csv(index=False))
"""


@pytest.mark.slow
def test_function_and_command_make_the_same_records(here: Path, fwibench: Command) -> None:
    outcome = fb.run(["mean-map", "pixel-ridge[alpha=1|2]"], ["salt"], profile="smoke", test_samples=2)
    assert outcome.exit_code == 0
    done = fwibench(
        "run", "--methods", "mean-map,pixel-ridge[alpha=1|2]", "--dataset", "salt", "--profile", "smoke",
        "--test-samples", "2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("finished before") == 3
    assert len(list(Path("results/runs").glob("salt-*"))) == 3
    assert "command" not in outcome.records[0].environment


@pytest.mark.slow
def test_options_are_values(here: Path) -> None:
    chosen = fb.Selected(name="pixel-ridge", options={"alpha": 3.0})
    (record,) = fb.run([chosen], "salt", profile="smoke").records
    assert record.chosen == {"alpha": 3.0}
    (same,) = fb.run("pixel-ridge", "salt", profile="smoke", settings={"pixel-ridge": {"alpha": 3}}).records
    assert same.run_id == record.run_id


def test_experiment_file_is_run_and_arguments_override_it(here: Path) -> None:
    Path("e.toml").write_text(
        'methods = "mean-map"\ndataset = "salt"\nprofile = "smoke"\ntest-samples = 3\nresults = "out"'
    )
    outcome = fb.run(from_="e.toml", test_samples=2)
    (record,) = outcome.records
    assert (record.cell.method, record.cell.profile, record.n_test) == ("mean-map", "smoke", 2)
    assert outcome.results == here / "out"
    with pytest.raises(UsageError, match="--dataset is missing"):
        fb.run("mean-map")


def test_models_are_tested_on_further_datasets(here: Path) -> None:
    further = [fb.Selected(name="salt", options={"snr": 10.0})]
    outcome = fb.run("mean-map", "salt", profile="smoke", test_samples=2, test_on=further)
    assert list(outcome.leaderboard()["test_dataset"].fillna("")) == ["", "salt[snr=10.0]"]
    own, tested = outcome.records
    assert tested.cell.model == own.run_id
    assert fb.load_run(tested.run_id).ids == fb.load_run(own.run_id).ids


def test_leaderboard_is_a_frame_with_the_stable_columns(here: Path) -> None:
    outcome = fb.run(["mean-map"], ["salt"], profile="smoke")
    frame = fb.leaderboard("results")
    assert list(frame.columns[:6]) == ["rank", "method", "method_version", "plugin", "options", "dataset"]
    assert frame["mae"].dtype == np.float64
    assert outcome.leaderboard()["mae"].tolist() == frame["mae"].tolist()
    assert "mean-map" in outcome._repr_html_()


def test_loaded_run_predicts(here: Path) -> None:
    (record,) = fb.run(["mean-map"], ["salt"], profile="smoke").records
    test = fb.load_dataset("salt", profile="smoke").test
    for run in (record.run_id, "mean-map", f"results/runs/{record.run_id}", Path("results/runs") / record.run_id):
        found = fb.load_run(run)
        np.testing.assert_array_equal(found.predict(test.measurements[:]), found.predictions)


@pytest.mark.slow
@pytest.mark.parametrize("interactive", [False, True], ids=["a script without a guard", "standard input"])
def test_runs_need_no_guard_of_the_main_module(here: Path, interactive: bool) -> None:
    if interactive:
        command: dict[str, Any] = {"args": [sys.executable], "input": SCRIPT}
    else:
        Path("script.py").write_text(SCRIPT)
        command = {"args": [sys.executable, "script.py"]}
    done = subprocess.run(**command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("method,mae\n")
    assert done.stderr.count("mean-map on salt, seed 0: MAE") == 1


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ({"profile": "smok"}, "no profile named 'smok'"),
        ({"device": "gpu"}, "device is 'gpu'"),
        ({"seeds": 0}, "seeds is 0"),
        ({"time_limit": -1.0}, "time limit is -1 s"),
        ({"budget": 0.0}, "time budget is 0 s"),
        ({"metrics": ["maee"]}, "no metric named 'maee'"),
        ({"settings": {"invlint": {"alpha": 1}}}, "no selected method named 'invlint'"),
    ],
)
def test_wrong_choice_runs_nothing(here: Path, choices: dict[str, Any], reason: str) -> None:
    with pytest.raises((UsageError, UnknownNameError), match=reason):
        fb.run("mean-map", "salt", **choices)
    assert not Path("results/runs").exists() or not list(Path("results/runs").iterdir())
