import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fwibench.cli.options import parse_duration
from fwibench.datasets.base import Dataset
from fwibench.errors import UsageError
from fwibench.text.readable import show_count, show_number, show_seconds
from tests.conftest import Command

SMOKE = ("--dataset", "salt", "--profile", "smoke")

HEAVY = ("torch", "deepwave", "scipy", "pandas", "matplotlib", "sklearn", "lightning_fabric")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["list", "methods"],
        ["info", "invlint"],
        ["info", "salt"],
        ["leaderboard"],
        ["status"],
        ["plan", "--methods", "invlint", *SMOKE],
    ],
    ids=" ".join,
)
def test_reading_commands_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from fwibench.cli.app import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print('HEAVY', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert "HEAVY []" in done.stdout, done.stdout + done.stderr


def test_import_fwibench_is_light() -> None:
    code = f"import sys, fwibench; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_from_run_to_leaderboard(fwibench: Command, tmp_path: Path, salt: Dataset) -> None:
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
    assert "3 test samples cannot tell 3 methods apart" in done.stderr

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
    assert (folder / "model" / "model.pt").exists()
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


def test_only_some_test_samples(fwibench: Command, salt: Dataset) -> None:
    done = fwibench("run", "--methods", "mean-map", *SMOKE, "--test-samples", 2, "--json")
    assert json.loads(done.stdout)["rows"][0]["n_test"] == 2


WRONG = {
    "a method": (["run", "--methods", "invlnt", *SMOKE], "did you mean invlint"),
    "a dataset": (["run", "--methods", "invlint", "--dataset", "slat"], "did you mean salt"),
    "a split": (["run", "--methods", "invlint", *SMOKE, "--split", "blok"], "did you mean block"),
    "an option": (["run", "--methods", "invlint[alhpa=1]", *SMOKE], "did you mean alpha"),
    "a value": (["run", "--methods", "invlint", *SMOKE, "--set", "invlint.alpha=-1"], "greater than 0"),
    "a metric": (["run", "--methods", "invlint", *SMOKE, "--metrics", "sssim"], "did you mean ssim"),
    "a device": (["run", "--methods", "invlint", *SMOKE, "--device", "gpu"], "expected auto, cpu, cuda"),
    "a profile": (["run", "--methods", "invlint", "--dataset", "salt", "--profile", "fast"], "quick"),
    "a time": (["run", "--methods", "invlint", *SMOKE, "--time-limit", "soon"], "is not a time"),
    "a number of seeds": (["run", "--methods", "invlint", *SMOKE, "--seeds", "0"], "expected 1 or more"),
    "a suffix": (["run", "--methods", "invlint", *SMOKE, "--export", "a.xls"], "formats are .csv"),
    "a command": (["rnu"], "Did you mean 'run'"),
    "a name to info": (["info", "invlnt"], "did you mean invlint"),
}


@pytest.mark.parametrize(("arguments", "help_"), WRONG.values(), ids=WRONG)
def test_what_is_typed_wrong_gets_the_right_one_and_exit_code_2(
    arguments: list[str], help_: str, fwibench: Command, tmp_path: Path
) -> None:
    done = fwibench(*arguments)
    assert done.returncode == 2, done.stderr
    assert help_ in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists(), "nothing is written before the request is understood"


def test_debug_shows_the_traceback(fwibench: Command) -> None:
    assert "Traceback" in fwibench("--debug", "info", "invlnt").stderr


def test_no_records_is_an_error_that_says_what_to_do(fwibench: Command) -> None:
    done = fwibench("leaderboard", "--results", "nowhere")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: there are no records in nowhere",
        "hint: fwibench run makes some; --results names their folder",
    ]


def test_a_broken_plugin_is_one_line(fwibench: Command, tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "hurt.py").write_text("1 / 0")
    done = fwibench("--plugins-dir", "plugins", "list", "methods")
    assert done.returncode == 0
    assert "invlint" in done.stdout
    assert done.stderr.splitlines()[0].startswith("warning: plugin hurt (")
    assert "ZeroDivisionError" in done.stderr
    doctor = fwibench("--plugins-dir", "plugins", "doctor")
    assert doctor.returncode == 1
    assert "broken at import" in doctor.stdout


def test_doctor_and_data_commands(fwibench: Command, salt: Dataset) -> None:
    doctor = fwibench("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "deepwave" in doctor.stdout
    assert "20 samples in" in fwibench("data", "prepare", "salt", "--profile", "smoke").stdout
    verified = fwibench("data", "verify", "salt", "--profile", "smoke").stdout.splitlines()
    assert verified[0] == "salt (synthetic): stored and simulated again"
    assert verified[-1] == "all is well"
    card = fwibench("data", "card", "salt", "--profile", "smoke").stdout
    assert "train 14, val 3, test 3" in card
    missing = fwibench("data", "verify", "salt", "--profile", "smoke", FWIBENCH_DATA=os.devnull + "x")
    assert missing.returncode == 1
    assert "not made yet" in missing.stderr


def test_every_option_of_list_and_info_has_json(fwibench: Command) -> None:
    methods = json.loads(fwibench("list", "methods", "--json").stdout)
    assert {"invlint", "inversionnet", "mean-map"} <= {method["name"] for method in methods}
    assert json.loads(fwibench("info", "invlint", "--json").stdout)["options"]["alpha"]["description"]


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    for wrong in ("", "0", "-1", "3d", "m"):
        with pytest.raises(UsageError):
            parse_duration(wrong)


def test_numbers_are_readable_and_none_is_empty() -> None:
    assert [show_count(n) for n in (None, 0, 950, 13_742_371, 1.9e9)] == ["", "0", "950", "13.74M", "1.90G"]
    numbers = (None, 0.0, 0.0016321, 0.05043, 0.97421, 26.123, 1234.5, 45936.2, 1.5e-5)
    texts = ["", "0.0000", "0.001632", "0.05043", "0.9742", "26.12", "1234", "45936", "1.500e-05"]
    assert [show_number(number) for number in numbers] == texts
    assert [show_number(p, 3) for p in (0.0496, 0.0504)] == ["0.0496", "0.0504"]
    assert [show_seconds(s) for s in (None, 3.21, 75, 3700)] == ["", "3.2s", "1m15s", "1h01m"]
