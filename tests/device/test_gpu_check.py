"""`make gpu-check` on the CPU, at the smallest size."""

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu" / "check.py"


def check(output: Path, *arguments: object, **environment: str) -> tuple[int, dict[str, Any], str]:
    """Runs the script; its exit code, `check.json` and what it printed."""
    command = [sys.executable, str(SCRIPT), "--device", "cpu", "--profile", "smoke", "--output", str(output)]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
        timeout=280,
    )
    summary = json.loads((output / "check.json").read_text()) if (output / "check.json").exists() else {}
    return done.returncode, summary, done.stdout + done.stderr


TESTS = """
import os

def test_device():
    assert os.environ["FWIBENCH_TEST_DEVICE"] == "cpu"

def test_wrong():
    assert False
"""


@pytest.mark.slow
@pytest.mark.usefixtures("salt")
def test_tests_and_cells_are_summarised(tmp_path: Path) -> None:
    tests = tmp_path / "test_written.py"
    tests.write_text(TESTS)
    output = tmp_path / "gpu"
    code, summary, printed = check(output, "--methods", "mean-map,invlint,no-such", "--tests", tests, "--budget", 270)
    assert code == 1, "a test fails, and one of the methods does not exist"
    assert summary["tests"]["status"] == "failed"
    assert "1 failed, 1 passed" in summary["tests"]["result"]
    assert [("test_wrong" in line) for line in summary["tests"]["failures"]] == [True]
    cells = {cell["method"]: cell for cell in summary["cells"]}
    assert {name: cell["status"] for name, cell in cells.items()} == {
        "mean-map": "ok",
        "invlint": "ok",
        "no-such": "failed",
    }
    assert "no-such" in cells["no-such"]["reason"]
    assert cells["invlint"]["device"] == "cpu"
    assert cells["invlint"]["scores"]["mae"] > 0
    assert cells["invlint"]["costs"]["fit_s"] > 0
    with (output / "leaderboard.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["method"] for row in rows} == {"mean-map", "invlint"}
    assert summary["seconds"] < 270
    machine = summary["machine"]
    assert machine["packages"]["torch"]
    assert "check.py --device cpu" in summary["command"]
    text = (output / "check.md").read_text()
    assert "| invlint | ok | cpu |" in text
    assert text in printed


@pytest.mark.usefixtures("salt")
def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    code, summary, _ = check(tmp_path, "--methods", "invlint,mean-map", "--tests", "none", "--budget", 12)
    assert code == 0, "nothing failed"
    assert [cell["status"] for cell in summary["cells"]] == ["not begun", "not begun"]
    assert "s were left" in summary["cells"][0]["reason"]
    assert "| mean-map | not begun |" in (tmp_path / "check.md").read_text()


def test_a_base_of_another_method_is_not_its_own_result(tmp_path: Path) -> None:
    """`refine` trains its base on five test samples, after the base's own cell on all."""
    for number, samples in enumerate((None, 5)):
        folder = tmp_path / "runs" / str(number)
        folder.mkdir(parents=True)
        record = {"status": "ok", "cell": {"method": "invlint", "test_samples": samples}}
        (folder / "record.json").write_text(json.dumps(record))
    spec = importlib.util.spec_from_file_location("check", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.newest_record(tmp_path, "invlint", None, 0)["cell"]["test_samples"] is None
    assert script.newest_record(tmp_path, "invlint", 5, 0)["cell"]["test_samples"] == 5
    assert script.newest_record(tmp_path, "invlint", 3, 0) is None


def test_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    code, summary, printed = check(tmp_path, "--device", "cuda:99")
    assert code == 3
    assert summary == {}
    assert "--device is cuda:99" in printed
