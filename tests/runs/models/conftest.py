from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.results import Results
from fwibench.runs.models.export import export_run
from fwibench.runs.planning.grammar import read_request
from tests.runs.finished import finish

Export = Callable[[str, Path], Path]


def run_of(method: str, results: Path, registry: Registry, dataset: str = "salt") -> Path:
    """Run a method on two test samples of a dataset, and return the folder of its run."""
    request = read_request(registry, method, dataset, profile="smoke", test_samples=2, results=results)
    record = finish(request, registry)[-1]
    return Results(results).folder(record.cell)


@pytest.fixture(scope="package")
def shots(salt: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File with the test measurements of the runs."""
    path = tmp_path_factory.mktemp("shots") / "shots.npy"
    np.save(path, salt.split("random", "test").spread(2).measurements[:])
    return path


@pytest.fixture(scope="package")
def invlint_run(registry: Registry, salt: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_of("invlint[epochs=1]", tmp_path_factory.mktemp("invlint"), registry)


@pytest.fixture(scope="package")
def invlint_file(invlint_run: Path, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "invlint.fwib"
    export_run(invlint_run, path, registry)
    return path


@pytest.fixture(scope="package")
def mean_file(registry: Registry, salt: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mean")
    export_run(run_of("mean-map", folder, registry), folder / "mean.fwib", registry)
    return folder / "mean.fwib"
