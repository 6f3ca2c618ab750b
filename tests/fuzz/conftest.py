import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.errors import FwibenchError
from fwibench.files.atomic import data_root as root_of_data
from fwibench.methods.traces import Step, Trace
from fwibench.plugins.registry import Registry, load_registry
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.traces import write_traces
from fwibench.runs.folders.rescore import Rescored
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.scoring.rescore import RescoreJob, rescore
from tests.runs.finished import finish

METHODS = "mean-map,nearest-neighbour,pixel-ridge"


@pytest.fixture(scope="session")
def finished(registry: Registry, salt: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    """A results folder of three finished runs; the first also has the files of an inversion."""
    root = tmp_path_factory.mktemp("finished") / "results"
    records = finish(read_request(registry, METHODS, "salt", profile="smoke", results=root), registry)
    folder = Results(root).folder(records[0].cell)
    predictions = read_predictions(folder)
    traces = [
        Trace([Step("5 Hz", 1, 0.5, 1.0), Step("5 Hz", 2, 0.25, 2.0)], {"start": one, "5 Hz": one})
        for one in predictions.maps
    ]
    write_traces(folder, predictions.ids, traces)
    return root, records


def rescore_here(job: RescoreJob) -> Iterator[Rescored]:
    """Rescore runs in this process; unexpected errors propagate."""
    registry = load_registry()
    for folder in job.folders:
        try:
            record, failures = rescore(folder, job.metrics, registry)
        except FwibenchError as error:
            yield Rescored(folder, error=error.message, hint=error.hint)
        else:
            yield Rescored(folder, record.scores, tuple(failures))


@pytest.fixture
def fresh_folder(
    finished: tuple[Path, list[Record]], salt: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Path]:
    """Function that makes a folder with new copies of results, data and arrays.

    The folder is nested, so that `..` stays within the folder of the test.
    """
    here = tmp_path / "a" / "b" / "c"
    prepared = root_of_data()
    # rescoring in a child process takes seconds and hides errors from the test
    monkeypatch.setattr("fwibench.runs.folders.rescore._rescore_in_process", rescore_here)
    monkeypatch.setenv("FWIBENCH_DATA", str(here / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))

    def make() -> Path:
        shutil.rmtree(tmp_path / "a", ignore_errors=True)
        here.mkdir(parents=True)
        shutil.copytree(prepared / salt.folder.name, here / "data" / salt.folder.name)
        shutil.copytree(finished[0], here / "results")
        shutil.copytree(finished[0], here / "other")
        test = salt.split("random", "test")
        np.save(here / "u.npy", test.measurements[:])
        np.save(here / "c.npy", test.properties[:])
        np.savez(here / "c.npz", label=test.properties[:])
        return here

    return make
