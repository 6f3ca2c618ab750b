"""The scripts of `benchmarks/gpu` on the CPU, at the smallest size."""

import csv
import importlib.util
import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "benchmarks" / "gpu"


def check(
    output: Path, *arguments: object, script: str = "check", **environment: str
) -> tuple[int, dict[str, Any], str]:
    """Runs a script; its exit code, the summary that it wrote and what it printed."""
    path = SCRIPTS / f"{script}.py"
    command = [sys.executable, str(path), "--device", "cpu", "--profile", "smoke", "--output", str(output)]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
        timeout=280,
    )
    written = output / f"{script}.json"
    summary = json.loads(written.read_text()) if written.exists() else {}
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
    chosen = ["--methods", "mean-map,invlint,no-such", "--tests", tests, "--seeds", 2, "--no-rates"]
    code, summary, printed = check(output, *chosen, "--budget", 270)
    assert code == 1, "a test fails, and one of the methods does not exist"
    assert summary["tests"]["status"] == "failed"
    assert "1 failed, 1 passed" in summary["tests"]["result"]
    assert [("test_wrong" in line) for line in summary["tests"]["failures"]] == [True]
    repeated = [(cell["method"], cell["seed"]) for cell in summary["cells"]]
    assert repeated == [("mean-map", 0), ("invlint", 0), ("no-such", 0), ("invlint", 1)], "the mean has no random seed"
    assert summary["cells"][1]["scores"] != summary["cells"][3]["scores"]
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
    assert "| invlint | 0 | ok | cpu |" in text
    assert text in printed


@pytest.mark.usefixtures("salt")
def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    code, summary, _ = check(tmp_path, "--methods", "invlint,mean-map", "--tests", "none", "--no-rates", "--budget", 12)
    assert code == 0, "nothing failed"
    assert [cell["status"] for cell in summary["cells"]] == ["not begun"] * 4
    assert "s were left" in summary["cells"][0]["reason"]
    assert "| mean-map | 0 | not begun |" in (tmp_path / "check.md").read_text()


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module."""
    monkeypatch.syspath_prepend(SCRIPTS)
    spec = importlib.util.spec_from_file_location("check", SCRIPTS / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_base_of_another_method_is_not_its_own_result(script: Any, tmp_path: Path) -> None:
    """`refine` trains its base on five test samples, after the base's own cell on all."""
    for number, samples in enumerate((None, 5)):
        folder = tmp_path / "runs" / str(number)
        folder.mkdir(parents=True)
        record = {"status": "ok", "cell": {"method": "invlint", "test_samples": samples, "seed": 0}}
        (folder / "record.json").write_text(json.dumps(record))
    assert script.newest_record(tmp_path, ("invlint", None, 0), 0)["cell"]["test_samples"] is None
    assert script.newest_record(tmp_path, ("invlint", 5, 0), 0)["cell"]["test_samples"] == 5
    assert script.newest_record(tmp_path, ("invlint", 3, 0), 0) is None
    assert script.newest_record(tmp_path, ("invlint", 5, 1), 0) is None


def test_rates_are_a_table(script: Any) -> None:
    rows = [
        {"kind": "simulation", "subject": "salt", "rate": 1234.5, "cpu_rate": 10.0, "ratio": 123.45, "busy": 0.5},
        {"kind": "simulation", "subject": "marmousi", "reason": "no time was left"},
        {"kind": "training", "subject": "invlint", "rate": 2.0, "cpu_rate": 1.0, "ratio": 2.0, "busy": None},
    ]
    assert list(script.rates_table(rows))[2:] == [
        "| simulation | salt | 1.23e+03 | 10 | 123 | 0.5 |  |",
        "| simulation | marmousi |  |  |  |  | no time was left |",
        "| training | invlint | 2 | 1 | 2 |  |  |",
    ]


@pytest.mark.slow
def test_rates_are_measured_beside_the_cpu(tmp_path: Path) -> None:
    output = tmp_path / "rates.json"
    command = [sys.executable, str(SCRIPTS / "rates.py"), "--device", "cpu", "--quick", "--output", str(output)]
    done = subprocess.run([*command, "--seconds", "600"], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    rows = json.loads(output.read_text())
    subjects = [row["subject"] for row in rows]
    assert subjects[:3] == ["salt", "marmousi", "salt, 2 CPU cores"]
    assert subjects[3:6] == ["inversionnet float32", "velocitygan float32", "invlint float32"]
    assert subjects[6:] == ["multiscale-fwi, batch 1", "multiscale-fwi, batch 2"]
    for row in rows:
        assert row["rate"] > 0, row
        assert row["ratio"] == pytest.approx(row["rate"] / row["cpu_rate"]), row
        assert row["busy"] is None, "there is no GPU"
    assert [row["difference"] for row in rows[:3]] == [0, 0, 0], "batches on the CPU give the data of single maps"


def test_busy_share_is_that_of_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    rates = importlib.import_module("rates")
    share, begun = tmp_path / "share", tmp_path / "begun"
    share.write_text("10")
    program = f"""
import datetime, pathlib, time
while True:
    share = pathlib.Path({str(share)!r}).read_text()
    print(datetime.datetime.now().strftime({rates.SMI_TIME!r}), share, sep=", ", flush=True)
    pathlib.Path({str(begun)!r}).touch()
    time.sleep(0.02)
"""
    monkeypatch.setattr(rates, "smi", lambda *_: [sys.executable, "-c", program])
    with rates.busy_share("cuda") as (window, busy):
        end = time.monotonic() + 60
        while not begun.exists() and time.monotonic() < end:
            time.sleep(0.01)
        replaced = tmp_path / "new"
        replaced.write_text("90")
        replaced.replace(share)
        time.sleep(0.5)
        for _ in range(2):
            window.append(datetime.now())
            time.sleep(1)
    assert busy() == pytest.approx(0.9)


def test_rates_without_time_say_so(tmp_path: Path) -> None:
    output = tmp_path / "rates.json"
    command = [sys.executable, str(SCRIPTS / "rates.py"), "--device", "cpu", "--quick", "--output", str(output)]
    subprocess.run([*command, "--seconds", "1"], capture_output=True, check=True, timeout=280)
    assert {row["reason"] for row in json.loads(output.read_text())} == {"no time was left"}


@pytest.mark.slow
def test_paper_is_resumed(tmp_path: Path) -> None:
    given = ["--dataset", "salt", "--methods", "mean-map", "--output", tmp_path / "out"]
    data = {"FWIBENCH_DATA": str(tmp_path / "data")}
    code, summary, printed = check(tmp_path / "out", *given, "--budget", 11, script="paper", **data)
    assert (code, [one["status"] for one in summary["steps"]]) == (4, ["unfinished"]), printed
    code, summary, printed = check(tmp_path / "out", *given, "--budget", 260, script="paper", **data)
    assert (code, [one["status"] for one in summary["steps"]]) == (0, ["ok", "ok"]), printed
    assert len((tmp_path / "out" / "leaderboard.csv").read_text().splitlines()) == 2, "a header and a method"
    assert "mean-map: ok after" in printed


def test_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    code, summary, printed = check(tmp_path, "--device", "cuda:99")
    assert code == 3
    assert summary == {}
    assert "--device is cuda:99" in printed
