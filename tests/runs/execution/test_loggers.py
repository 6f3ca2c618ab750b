"""Loggers are told of cells in order, and change no result."""

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from fwibench.errors import PluginError, UnknownNameError, UsageError
from fwibench.plugins import settings
from fwibench.plugins.registry import Registry, load_registry
from fwibench.runs.execution.loggers import open_loggers
from tests.conftest import Command
from tests.runs.commands import COMMON, rows


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """The registry of this process with the plugin."""
    folder = tmp_path_factory.mktemp("plugins")
    shutil.copy(Path(__file__).parents[1] / "watching.py", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(settings.FOLDERS, str(folder))
        registry = load_registry()
        assert registry.loggers.keys() >= {"lines", "absent", "misspelt"}
        return registry


def told(path: Path) -> dict[str, list[list[Any]]]:
    """Return what a logger was told, by run, in order."""
    found = defaultdict(list)
    for line in path.read_text().splitlines():
        kind, run, *rest = json.loads(line)
        found[run].append([kind, *rest])
    return found


@pytest.mark.usefixtures("watching_plugin")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_logger_is_told_of_each_cell_in_order(jobs: int, fwibench: Command, tmp_path: Path) -> None:
    arguments = ("run", "--methods", "x-learns,x-fails", *COMMON, "--seeds", 2, "--jobs", jobs)
    done = fwibench(*arguments, "--log", "lines:lines.txt")
    assert done.returncode == 1, done.stderr
    found = told(tmp_path / "lines.txt")
    assert found.pop("") == [["closed"]]
    results = str(tmp_path / "results")
    losses = [{"step": n, "steps": 3, "train_loss": 1 / (3 * n), "val_loss": 2 / n} for n in (1, 2, 3)]
    assert len(found) == 4
    for run, lines in found.items():
        if "x-learns" in run:
            reports = [["fit", loss] for loss in losses]
            assert lines == [["started", "x-learns", results], *reports, ["finished", "ok"]]
        else:
            assert [line[0] for line in lines] == ["started", "fit", "finished"]
            assert lines[-1] == ["finished", "failed"]


@pytest.mark.usefixtures("watching_plugin")
def test_a_raising_plugin_loses_nothing_of_others(fwibench: Command, tmp_path: Path) -> None:
    done = fwibench(
        "run", "--methods", "x-learns", *COMMON, "--log", "lines:lines.txt", "--json", RAISING="hook failed"
    )
    assert done.returncode == 0, done.stderr
    assert rows(done.stdout)["x-learns"]["status"] == "ok"
    warnings = [line for line in done.stderr.splitlines() if "hook failed" in line]
    assert len(warnings) == 1
    assert "is broken at fwibench_cell_started: RuntimeError: hook failed (and 2 more)" in warnings[0]
    (lines,) = (lines for run, lines in told(tmp_path / "lines.txt").items() if run)
    assert [line[0] for line in lines] == ["started", "fit", "fit", "fit", "finished"]


@pytest.mark.usefixtures("watching_plugin")
def test_finished_cells_are_not_logged_again(fwibench: Command, tmp_path: Path) -> None:
    arguments = ("run", "--methods", "x-learns", *COMMON, "--log")
    assert fwibench(*arguments, "lines:first.txt").returncode == 0
    assert fwibench(*arguments, "lines:second.txt").returncode == 0
    assert told(tmp_path / "first.txt").keys() != {""}
    assert told(tmp_path / "second.txt") == {"": [["closed"]]}


def test_wrong_loggers_are_refused_before_a_cell_starts(watching: Registry) -> None:
    registry = watching
    with pytest.raises(UnknownNameError) as unknown, open_loggers({"linse": "x"}, registry):
        pass
    assert "did you mean lines" in unknown.value.hint
    with pytest.raises(UsageError, match="needs no_such_module") as absent, open_loggers({"absent": ""}, registry):
        pass
    assert "pip install absent" in absent.value.hint
    with (
        pytest.raises(PluginError, match="misspelt cannot log to 'x'.*fwibench_reports"),
        open_loggers({"misspelt": "x"}, registry),
    ):
        pass


def test_reports_are_passed_on_only_to_who_hears_them(tmp_path: Path, watching: Registry) -> None:
    registry = watching
    assert not registry.hears("fwibench_report")
    with open_loggers({"lines": str(tmp_path / "lines.txt")}, registry):
        assert registry.hears("fwibench_report")
    assert not registry.hears("fwibench_report")


def test_unknown_logger_suggests_the_closest(fwibench: Command) -> None:
    done = fwibench("plan", "--methods", "mean-map", *COMMON, "--log", "tensorbord:x")
    assert done.returncode == 2
    assert "there is no logger named 'tensorbord'" in done.stderr
    assert "did you mean tensorboard" in done.stderr
