"""Shipped loggers write to local stores what records hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fwibench.errors import UsageError
from fwibench.runs.artefacts.record import Record, read_record
from tests.conftest import Command
from tests.runs.commands import COMMON


class Logged(NamedTuple):
    """A run in a store: its status, and every number with name and step, as often as it was logged."""

    status: str
    numbers: list[tuple[str, int, float]]


def read_tensorboard(store: Path) -> dict[str, Logged]:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    found = {}
    for folder in store.iterdir():
        events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
        events.Reload()
        values = [
            (tag, one.step, make_ndarray(one.tensor_proto))
            for tag in events.Tags()["tensors"]
            for one in events.Tensors(tag)
        ]
        texts = {tag: value.item().decode() for tag, _, value in values if value.dtype == object}
        numbers = [(tag, step, value.item()) for tag, step, value in values if value.dtype != object]
        assert "| method | x-" in texts["cell/text_summary"]
        found[folder.name] = Logged(texts["status/text_summary"], numbers)
    return found


def read_mlflow(store: Path) -> dict[str, Logged]:
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{store}")
    experiment = client.get_experiment_by_name("fwibench")
    assert experiment is not None
    found = {}
    for run in client.search_runs([experiment.experiment_id]):
        name, tags = run.info.run_name, run.data.tags
        assert tags["fwibench.run"] == name
        assert name not in found, "one run per cell"
        assert run.data.params["method"].startswith("x-")
        status = f"{tags['fwibench.status']}: {tags['fwibench.reason']}".removesuffix(": ")
        assert run.info.status == ("FINISHED" if status == "ok" else "FAILED")
        metrics = [one for key in run.data.metrics for one in client.get_metric_history(run.info.run_id, key)]
        found[name] = Logged(status, [(one.key, one.step, one.value) for one in metrics])
    return found


STORES: dict[str, tuple[str, Callable[[Path], dict[str, Logged]]]] = {
    "tensorboard": ("tensorboard:{}", read_tensorboard),
    "mlflow": ("mlflow:sqlite:///{}", read_mlflow),
}


def expected(record: Record) -> Counter[tuple[str, int, float]]:
    """Return the numbers of a record, each once."""
    found = [(f"history/{name}", n, one) for n, entry in enumerate(record.history, 1) for name, one in entry.items()]
    found += [(f"scores/{name}", 0, value) for name, value in record.scores.items() if value is not None]
    costs: dict[str, Any] = record.costs.model_dump()
    found += [(f"costs/{name}", 0, value) for name, value in costs.items() if isinstance(value, int | float)]
    return Counter(found)


# packages below MLflow warn of their own deprecations
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", STORES)
@pytest.mark.usefixtures("watching_plugin")
def test_logged_numbers_are_those_of_the_records(name: str, fwibench: Command, tmp_path: Path) -> None:
    pytest.importorskip(name)
    destination, read = STORES[name]
    store = tmp_path / "store"
    arguments = ("run", "--methods", "x-learns,x-fails", *COMMON, "--log", destination.format(store))
    # the second command answers x-learns from its record, and runs x-fails again
    for _ in range(2):
        done = fwibench(*arguments)
        assert done.returncode == 1, done.stderr
        assert "is broken" not in done.stderr
        found = read(store)
        records = {path.parent.name: read_record(path) for path in (tmp_path / "results/runs").glob("*/record.json")}
        assert found.keys() == records.keys()
        for run, logged in found.items():
            record = records[run]
            assert logged.status == ("ok" if record.status == "ok" else f"failed: {record.reason}")
            live = [one for one in logged.numbers if one[0].startswith("reported/")]
            assert Counter(one for one in logged.numbers if one not in live) == expected(record)
            if record.status == "ok":
                assert sorted(live) == sorted(
                    (f"reported/fit/{key}", step, value)
                    for step, entry in enumerate(record.history, 1)
                    for key, value in entry.items()
                )
                assert len(record.history) == 3
                assert record.scores["mae"]
            else:
                assert [one[:2] for one in live] == [("reported/fit/train_loss", 1)]


def test_tensorboard_needs_a_folder(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from fwibench_loggers.to_tensorboard import TensorBoardLogger

    with pytest.raises(UsageError, match="names no folder"):
        TensorBoardLogger("")
