"""Files of an iterative run: its iterations, and its models at the end of each frequency band."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fwibench.errors import RecordError
from fwibench.files.atomic import atomic_write, reading, write_text
from fwibench.files.npy import Header, read_npz
from fwibench.methods.traces import AGAIN, Step, Trace
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.typing import Maps


def read_traces(folder: Path) -> dict[str, list[Step]] | None:
    """Read the iterations of each sample of a run, by sample id; None if the run has no such file.

    Raises:
        RecordError: The file cannot be read.
    """
    path = RunFiles(folder).traces
    if not path.exists():
        return None
    found: dict[str, list[Step]] = {}
    table = reading(path, "the iterations of an inversion", AGAIN, RecordError)
    with table, path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            step = Step(row["band"], int(row["iteration"]), float(row["misfit"]), float(row["seconds"]))
            if not (0 <= step.misfit < math.inf and 0 <= step.seconds < math.inf and step.iteration > 0):
                raise ValueError(f"iteration {step.iteration} has misfit {step.misfit} after {step.seconds} s")
            found.setdefault(row["id"], []).append(step)
    return found


def read_models(folder: Path, shape: tuple[int, ...]) -> dict[str, Maps]:
    """Read the models of a run at the end of each band.

    Args:
        folder: Folder of the run.
        shape: Expected shape `(n, 1, Z, X)` of the models of a band.

    Returns:
        The models by band, in the property's unit; NaN for samples that did not complete the band.

    Raises:
        RecordError: The file cannot be read.
    """
    path = RunFiles(folder).models

    def check(headers: dict[str, Header]) -> None:
        for name, header in headers.items():
            if name != "ids" and (header.shape != shape or header.dtype.kind != "f"):
                raise ValueError(f"{name} is {header.dtype} of shape {header.shape}, expected float32 of {shape}")

    with reading(path, "models", AGAIN, RecordError):
        stored = read_npz(path, check=check)
        stored.pop("ids", None)
        return stored


def write_traces(folder: Path, ids: Sequence[str], traces: Sequence[Trace]) -> None:
    """Write `traces.csv`, one line for each iteration, and `models.npz`, the models of each band `(n, 1, Z, X)`.

    The models of a sample whose budget ended within a band are NaN for that band.

    Args:
        folder: Folder of the run.
        ids: Sample ids, `(n,)`.
        traces: Trace of each sample, `(n,)`.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("id", "band", "iteration", "misfit", "seconds"))
    for sample, trace in zip(ids, traces, strict=True):
        writer.writerows((sample, s.band, s.iteration, repr(s.misfit), f"{s.seconds:.3f}") for s in trace.steps)
    write_text(RunFiles(folder).traces, table.getvalue())
    bands = dict.fromkeys(name for trace in traces for name in trace.models)
    models = {
        name: np.stack([trace.models.get(name, np.full_like(trace.models["start"], np.nan)) for trace in traces])
        for name in bands
    }
    with atomic_write(RunFiles(folder).models) as stream:
        np.savez(stream, ids=np.array(ids), **models)  # type: ignore[arg-type]
