"""Cells that run side by side: what they share, and what they do not disturb."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from fwibench.runs.execution.company import Company
from tests.conftest import Command
from tests.runs.commands import COMMON, rows, running, start, wait_for

pytestmark = pytest.mark.usefixtures("faulty_plugin")


def records(tmp_path: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in tmp_path.glob("results/runs/*/record.json")]
    return {record["cell"]["method"]: record for record in found}


def test_cells_run_at_the_same_time_and_measure_alone(fwibench: Command, tmp_path: Path) -> None:
    methods = "x-meets[other=one],x-meets[other=two],mean-map"
    done = fwibench("run", "--methods", methods, *COMMON, "--jobs", "2", "--json")
    assert done.returncode == 0, done.stderr
    made = [json.loads(path.read_text()) for path in tmp_path.glob("results/runs/*/record.json")]
    # each waits in its fit until the other's has begun, so one after the other would not end
    assert {record["beside"] for record in made if record["cell"]["method"] == "x-meets"} == {1}
    assert all(record["costs"]["predict_ms_cpu1"] is not None for record in made)
    assert all(record["load"]["clock"] is not None for record in made)
    assert "other cells or other processes used the cores" in fwibench("leaderboard").stderr


@pytest.mark.slow
def test_a_base_is_run_once_and_waited_for(fwibench: Command, tmp_path: Path) -> None:
    seconds = ("--set", "x-slow.seconds=2")
    done = fwibench("run", "--methods", "x-builds,x-slow", *COMMON, *seconds, "--jobs", "3", "--json")
    assert done.returncode == 0, done.stderr
    assert {name: row["status"] for name, row in rows(done.stdout).items()} == {"x-builds": "ok", "x-slow": "ok"}
    made = records(tmp_path)
    assert made["x-builds"]["cell"]["base"] == next(tmp_path.glob("results/runs/*-x-slow-*")).name
    assert made["x-builds"]["beside"] == made["x-slow"]["beside"] == 0
    assert done.stderr.count("x-slow on salt, seed 0: MAE") == 1


def test_ctrl_c_ends_all_cells(tmp_path: Path) -> None:
    arguments = ("run", "--methods", "x-constant,x-slow[seconds=3600|3601]", *COMMON, "--jobs", "3", "--json")
    child = start(tmp_path, *arguments)
    for _ in range(2):
        wait_for("results/runs/*-x-slow-*/work/begun", tmp_path).unlink()
    wait_for("results/runs/*-x-constant-*/record.json", tmp_path)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    found = [(row["method"], row["status"]) for row in json.loads(out)["rows"]]
    assert sorted(found) == [("x-constant", "ok"), ("x-slow", "not-run"), ("x-slow", "not-run")]
    assert not running(str(tmp_path / "results"))


@pytest.mark.parametrize("jobs", ["0", "many", "-1", "100000"])
def test_number_of_cells_is_checked(jobs: str, fwibench: Command) -> None:
    done = fwibench("run", "--methods", "mean-map", *COMMON, "--jobs", jobs)
    assert done.returncode == 2
    assert f"--jobs is '{jobs}', expected a number from 1 to 1000, or auto" in done.stderr


class Orders:
    """Stands for the control of a cell; keeps the orders."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def __getattr__(self, order: str) -> Any:
        return lambda *_: self.given.append(order)


def test_the_clock_pauses_the_others_and_goes_round() -> None:
    company, orders = Company(), [Orders() for _ in range(3)]
    with company.seat(print) as one, company.seat(print) as two:
        one.control, two.control = orders[0], orders[1]  # type: ignore[assignment]
        one.hear({"clock": True})
        two.hear({"clock": True})
        assert (orders[0].given, orders[1].given) == (["resume", "answer"], ["pause"])
        one.hear({"clock": False})
        assert orders[0].given[2:] == ["pause"], "the other one has the clock now"
        assert orders[1].given[1:] == ["resume", "answer"]
        with company.seat(print) as late:
            assert late.beside == 2
        two.hear({"clock": False})
        assert (orders[0].given[-1], orders[1].given[-1]) == ("resume", "resume")


def test_a_cell_that_ends_with_the_clock_gives_it_back() -> None:
    company, orders = Company(), Orders()
    with company.seat(print) as one:
        one.control = orders  # type: ignore[assignment]
        with company.seat(print) as two:
            two.hear({"clock": True})
        assert orders.given == ["pause", "resume"]
