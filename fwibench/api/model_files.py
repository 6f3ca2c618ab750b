"""Fitted methods of model files."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fwibench.api.catalogue import open_registry
from fwibench.methods.context import RunContext
from fwibench.problem import Problem
from fwibench.runs.artefacts.record import Record
from fwibench.runs.machine.devices import choose_device, select_device
from fwibench.runs.models.model import read_model
from fwibench.runs.models.sources import find_model
from fwibench.typing import Array32, Maps

if TYPE_CHECKING:
    from fwibench.methods.base import Method


@dataclass(frozen=True)
class LoadedModel:
    """A fitted method of a model file, ready to predict.

    Attributes:
        path: The file.
        record: Record of the run that fitted it: options, history of the training, scores, costs.
        problem: Problem that it is built for.
        card: Description in Markdown.
        method: The method.
    """

    path: Path
    record: Record = field(repr=False)
    problem: Problem = field(repr=False)
    card: str = field(repr=False)
    method: Method

    def predict(self, measurements: Array32) -> Maps:
        """Predict properties of new measurements; what is doubtful about them is a warning.

        Args:
            measurements: `(n, S, T, R)`, raw amplitudes.

        Returns:
            Maps in the unit of the property, `(n, 1, Z, X)`.

        Raises:
            ProblemError: The measurements do not fit the survey.
        """
        from fwibench.api.prediction import predict_by_method

        return predict_by_method(self.method, measurements)


def load_model(source: str | Path, device: str = "auto") -> LoadedModel:
    """Load the fitted method of a model file, which `fwibench export` or `fwibench import-model` wrote.

    Args:
        source: Path of the file, its address (http or https), or its name in the registry of models.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        UnknownNameError: The registry has no such name, or the method of the file is not installed.
        DataError: The file cannot be downloaded, is damaged or hostile, or is of a newer format.
    """
    registry = open_registry()
    model = read_model(find_model(str(source)))
    cell, spec = model.record.cell, model.spec(registry)
    chosen = choose_device(device, spec)
    select_device(chosen)
    scratch = Path(tempfile.mkdtemp(prefix="fwibench-"))
    context = RunContext(workdir=scratch, device=chosen, dataset=cell.dataset, method=cell.method, repetition=cell.seed)
    method = model.load(registry, context)
    weakref.finalize(method, shutil.rmtree, scratch, ignore_errors=True)
    return LoadedModel(model.path, model.record, model.problem, model.card, method)
