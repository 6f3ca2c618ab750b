from pathlib import Path

import numpy as np
import pytest
import torch

import fwibench as fb
from fwibench.api.score import score_with
from fwibench.datasets.base import Dataset
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.record import Record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.bundles.writing import write_bundle
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.planning.grammar import read_request
from tests.runs.finished import finish

COMMAND = ["fwibench", "run", "--results", "/home/someone/secret/results"]


class Constant(torch.nn.Module):
    """A network that predicts the middle of the bounds, 0 on [-1, 1], everywhere."""

    def forward(self, measurements: torch.Tensor) -> torch.Tensor:
        return torch.zeros((len(measurements), 1, 40, 60))


def finished(methods: str, dataset: str, results: Path, registry: Registry, *, seeds: int = 1) -> list[Record]:
    """Run methods in this process, and complete their records as a command does."""
    request = read_request(registry, methods, dataset, profile="smoke", seeds=seeds, results=results)
    opened, records = open_dataset(registry, dataset, "smoke"), []
    for record in finish(request, registry):
        complete = {
            "kind": registry.method(record.cell.method).spec.kind,
            "source": opened.source,
            "unit": opened.problem.property.unit,
            "environment": {**describe_environment(), "command": COMMAND},
        }
        records.append(record.model_copy(update=complete))
        write_record(records[-1], RunFiles(Results(results).folder(record.cell)).record)
    return records


@pytest.fixture(scope="package")
def results(registry: Registry, salt: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of a closed-form and a constant method, a scored file and an evaluated network."""
    root = tmp_path_factory.mktemp("results")
    finished("pixel-ridge,mean-map", "salt", root, registry)
    maps = read_predictions(Results(root).run("pixel-ridge")).maps
    blurred = np.clip(maps + 20, 1500, 4500)
    meta = {"version": "1", "costs": {"parameters": 1000, "predict_ms_cpu1": 2.5}}
    score_with(registry, blurred, "salt", "elsewhere", profile="smoke", meta=meta).save(root)
    fb.evaluate(Constant(), "salt", name="our-network", profile="smoke").save(root)
    return root


@pytest.fixture(scope="package")
def honest(results: Path, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of pixel-ridge and of the scored file."""
    path = tmp_path_factory.mktemp("honest") / "honest.zip"
    write_bundle([Results(results).run(name) for name in ("pixel-ridge", "elsewhere")], path, registry, COMMAND, {})
    return path
