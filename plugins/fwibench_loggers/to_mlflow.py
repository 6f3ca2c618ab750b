"""A logger that sends runs to MLflow.

Invariant: MLflow has one run of each cell; a cell that runs again replaces its former run.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

# fwibench sends nothing that nobody asked for
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from fwibench import CellReport, StartedCell, hookimpl
from fwibench_loggers.scalars import Scalar, described, recorded, reported

EXPERIMENT = "fwibench"
"""Name of the MLflow experiment, unless the variable `MLFLOW_EXPERIMENT_NAME` of MLflow names another."""
TAG = "fwibench.run"
"""Tag with the name of a run."""
MOST_METRICS, MOST_PARAMS = 1000, 100
"""Largest numbers of metrics and of parameters that MLflow takes at a time."""
LONGEST_VALUE = 5000
"""Longest text of a parameter or tag [characters]; MLflow takes 6000 and 8000."""


class MLflowLogger:
    """Sends what cells report, and their records, to an MLflow tracking server or database.

    Args:
        destination: Address such as `http://host:5000` or `sqlite:///mlflow.db`; empty for that of the variable
            `MLFLOW_TRACKING_URI`, or MLflow's default.
    """

    def __init__(self, destination: str) -> None:
        self._client = MlflowClient(tracking_uri=destination or None)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        found = self._client.get_experiment_by_name(name)
        self._experiment = found.experiment_id if found else self._client.create_experiment(name)
        self._runs: dict[str, str] = {}

    @hookimpl
    def fwibench_cell_started(self, started: StartedCell) -> None:
        """Create the run of a cell, with what the cell is as parameters."""
        for former in self._client.search_runs([self._experiment], f"tags.`{TAG}` = '{started.run}'"):
            self._client.delete_run(former.info.run_id)
        tags = {TAG: started.run, "fwibench.results": str(started.results), "fwibench.status": "running"}
        run = self._client.create_run(self._experiment, run_name=started.run, tags=tags).info.run_id
        self._runs[started.run] = run
        params = [Param(_key(name), value[:LONGEST_VALUE]) for name, value in described(started.cell).items()]
        for start in range(0, len(params), MOST_PARAMS):
            self._client.log_batch(run, params=params[start : start + MOST_PARAMS])

    @hookimpl
    def fwibench_report(self, report: CellReport) -> None:
        """Send reported numbers."""
        self._send(self._runs[report.run], reported(report))

    @hookimpl
    def fwibench_cell_finished(self, record: Mapping[str, Any], run: str) -> None:
        """Send the numbers of a record, and end its run: as failed unless its status is ok."""
        known = self._runs[run]
        self._send(known, recorded(record))
        self._end(run, record["status"], record["reason"], "FINISHED" if record["status"] == "ok" else "FAILED")

    def close(self) -> None:
        """End the runs of cells that were interrupted."""
        for run in list(self._runs):
            self._end(run, "not-run", "interrupted", "KILLED")

    def _send(self, run: str, scalars: Iterable[Scalar]) -> None:
        now = int(time.time() * 1000)
        metrics = [Metric(_key(name), value, now, step) for name, value, step in scalars]
        for start in range(0, len(metrics), MOST_METRICS):
            self._client.log_batch(run, metrics=metrics[start : start + MOST_METRICS])

    def _end(self, run: str, status: str, reason: str, ending: str) -> None:
        known = self._runs.pop(run)
        tags = {"fwibench.status": status, "fwibench.reason": reason[:LONGEST_VALUE]}
        self._client.log_batch(known, tags=[RunTag(name, value) for name, value in tags.items()])
        self._client.set_terminated(known, ending)


def _key(name: str) -> str:
    """Return a name without the characters that MLflow does not take."""
    return re.sub(r"[^\w .:/-]", "_", name)
