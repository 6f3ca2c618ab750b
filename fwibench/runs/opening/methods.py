"""Methods, built from cells or loaded from their runs, and the chunk size in which they receive samples.

Invariant: a loaded method receives samples in chunks of the same size as in its run, so its predictions are the same.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

from fwibench.methods.base import Method
from fwibench.methods.context import RunContext
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import read_record
from fwibench.samples import CHUNK_BYTES
from fwibench.specs.method import MethodSpec


def build_method(spec: MethodSpec, cell: Cell, problem: Problem, context: RunContext) -> Method:
    """Build the method of a cell, before any fit.

    Args:
        spec: Spec of the method.
        cell: Cell with the method's options.
        problem: Problem of the dataset that the method is fitted on.
        context: Device, seeds and working folder of the method.

    Returns:
        The method.
    """
    implementation: type[Method] = spec.load()
    return implementation(problem, spec.options.model_validate(cell.options), context)


def load_fitted(run: Path, registry: Registry, problem: Problem, context: RunContext) -> Method:
    """Load the fitted method of a finished run, and the method that it builds on.

    Args:
        run: Folder of the run.
        registry: Registry of the methods.
        problem: Problem of the dataset that the method is fitted on.
        context: Device, seeds and working folder of the method.

    Returns:
        The method, ready to predict.
    """
    cell = read_record(RunFiles(run).record).cell
    return load_model(model_folder(run, cell), cell, run.parent, registry, problem, context)


def model_folder(run: Path, cell: Cell) -> Path:
    """Return the folder of the fitted method that a cell predicts with; a transferred cell has none of its own.

    Args:
        run: Folder of the cell, in the folder of the runs.
        cell: The cell.
    """
    return RunFiles(run.parent / cell.model if cell.model else run).model


def load_model(
    model: Path, cell: Cell, runs: Path, registry: Registry, problem: Problem, context: RunContext
) -> Method:
    """Load the fitted method of a cell.

    Args:
        model: Folder of the saved method.
        cell: Cell of the method.
        runs: Folder of the runs, with the run that the cell builds on.
        registry: Registry of the methods.
        problem: Problem of the dataset that the method is fitted on.
        context: Device, seeds and working folder of the method.

    Returns:
        The method, ready to predict.
    """
    context = with_base_method(context, cell, runs, registry, problem)
    method = build_method(registry.method(cell.method).spec, cell, problem, context)
    method.load(model)
    return method


def with_base_method(context: RunContext, cell: Cell, runs: Path, registry: Registry, problem: Problem) -> RunContext:
    """Return the context of a cell with the fitted methods that it builds on, if any.

    Args:
        context: Context without these methods.
        cell: Cell whose `base` and `members` name their runs.
        runs: Folder of the runs.
        registry: Registry of the methods.
        problem: Problem of the dataset that the method is fitted on.

    Returns:
        The context, unchanged if the cell builds on no other run.
    """
    if not cell.base:
        return context
    below = cell.members or (cell.base,)
    members = tuple(load_fitted(runs / run, registry, problem, context) for run in below)
    return dataclasses.replace(context, base=members[0], members=members)


def rows_at_once(problem: Problem) -> int:
    """Return the number of samples in a chunk, so that neither measurements nor maps exceed `CHUNK_BYTES`."""
    return max(CHUNK_BYTES // (4 * max(map(math.prod, (problem.measurement_shape, problem.property_shape)))), 1)
