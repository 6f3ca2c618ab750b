"""Methods as cells name them, new or as their runs left them, and the portions in which they are given samples.

Invariant: a loaded method gets the samples in the portions of its run, so it predicts what it predicted there.
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


def build(spec: MethodSpec, cell: Cell, problem: Problem, context: RunContext) -> Method:
    """The method of a cell, before it has learnt anything."""
    implementation: type[Method] = spec.load()
    return implementation(problem, spec.options.model_validate(cell.options), context)


def load_fitted(run: Path, registry: Registry, problem: Problem, context: RunContext) -> Method:
    """The fitted method of the finished run in the folder `run`, on what it builds on."""
    files = RunFiles(run)
    return load_model(files.model, read_record(files.record).cell, run.parent, registry, problem, context)


def load_model(
    model: Path, cell: Cell, runs: Path, registry: Registry, problem: Problem, context: RunContext
) -> Method:
    """The method of a cell from the folder `model`; what it builds on lies in `runs`."""
    context = with_base(context, cell, runs, registry, problem)
    method = build(registry.method(cell.method).spec, cell, problem, context)
    method.load(model)
    return method


def with_base(context: RunContext, cell: Cell, runs: Path, registry: Registry, problem: Problem) -> RunContext:
    """The context that lends a cell the fitted method which it builds on, if it builds on one."""
    if not cell.base:
        return context
    return dataclasses.replace(context, base=load_fitted(runs / cell.base, registry, problem, context))


def rows_at_once(problem: Problem) -> int:
    """Samples that are read and predicted at once; neither their measurements nor their maps fill the memory."""
    return max(CHUNK_BYTES // (4 * max(map(math.prod, (problem.measurement_shape, problem.property_shape)))), 1)
