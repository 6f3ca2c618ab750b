"""Writing of bundles.

Invariant: a run is not changed. Scores are computed from the rounded maps, with the metrics that are installed.
"""

from __future__ import annotations

import hashlib
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from fwibench.errors import DataError, UsageError
from fwibench.files.archives import add_member
from fwibench.files.atomic import atomic_write
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.record import Record, read_record
from fwibench.runs.artefacts.scores import format_scores
from fwibench.runs.bundles.layout import KIND, MEMBERS, MOST_ENTRIES, TIME, About, Manifest, Member, member
from fwibench.runs.bundles.privacy import clean_text, without_paths
from fwibench.runs.bundles.rounding import decode, encode
from fwibench.runs.bundles.samples import Located, open_truth
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.scoring.score import note_prefix, pool_scores, score
from fwibench.version import __version__


@dataclass(frozen=True)
class Packed:
    """A run as it is written.

    Attributes:
        about: What the manifest says about it.
        run: Record of the run, as it is in the folder.
        record: Record that is written.
        members: Contents of its members, in the order of `MEMBERS`.
    """

    about: About
    run: Record
    record: Record
    members: tuple[bytes, ...]


def write_bundle(
    runs: Sequence[Path], output: Path, registry: Registry, command: Sequence[str], located: Located
) -> list[Packed]:
    """Write runs as a bundle.

    Args:
        runs: Folders of the runs.
        output: The bundle; an existing one is replaced.
        registry: Registry of datasets and metrics.
        command: Command that writes it.
        located: Options of datasets that say where their files lie on this machine.

    Returns:
        The runs as they were written.

    Raises:
        UsageError: A run is not finished, or is named twice.
        DataError: Predictions or samples are absent, or the bundle cannot be written.
    """
    if len(runs) > MOST_ENTRIES:
        raise UsageError(f"{len(runs)} runs are named, expected {MOST_ENTRIES} or fewer", "write several bundles")
    entries = [pack_run(run, registry, located) for run in runs]
    keys = [entry.about.key for entry in entries]
    if twice := next((entry.run.run_id for entry in entries if keys.count(entry.about.key) > 1), None):
        raise UsageError(f"{twice} is named twice", "name each run once")
    contents = {
        member(entry.about.key, name): content
        for entry in entries
        for name, content in zip(MEMBERS, entry.members, strict=True)
    }
    environment = describe_environment()
    manifest = Manifest(
        format=KIND.format,
        fwibench=__version__,
        created=time.strftime(TIME, time.gmtime()),
        command=tuple(map(clean_text, command)),
        environment={name: environment[name] for name in ("python", "packages")},
        files={
            name: Member(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
            for name, content in contents.items()
        },
        entries=tuple(entry.about for entry in entries),
    )
    with atomic_write(output) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, content in {KIND.manifest: manifest.model_dump_json(indent=1).encode(), **contents}.items():
            add_member(archive, KIND, name, content)
    return entries


def pack_run(folder: Path, registry: Registry, located: Located) -> Packed:
    """Return a run as it is written into a bundle.

    Args:
        folder: Folder of the run.
        registry: Registry of datasets and metrics.
        located: See `write_bundle`.

    Raises:
        UsageError: The run is not finished.
        DataError: Predictions or samples are absent.
    """
    run = read_record(RunFiles(folder).record)
    if run.status != "ok":
        raise UsageError(f"{run.run_id} is {run.status}: {run.reason or 'no reason'}", "name finished runs")
    if not RunFiles(folder).predictions.exists():
        raise DataError(f"{run.run_id} has no predictions.npz", "copy the whole folder of the run, or run it again")
    truth = open_truth(run.cell, registry, located)
    maps = read_predictions(folder, truth.test.ids, truth.problem.property_shape).maps
    codes, offset, scale = encode(maps)
    rounded = decode(codes, offset, scale)
    names = recomputed_metrics(run, registry)
    scores, failures = score(rounded, truth.test, names, registry, truth.problem)
    former = tuple(note_prefix(name) for name in (*names, *run.scores))
    notes = [*(note for note in run.notes if not note.startswith(former)), *failures]
    record = without_paths(
        run.model_copy(update={"scores": pool_scores(scores, registry), "notes": notes, "n_test": len(truth.test)})
    )
    values = BytesIO()
    np.save(values, codes, allow_pickle=False)
    about = About(
        key=record.cell.key,
        offset=offset,
        scale=scale,
        rounding=float(np.abs(rounded.astype(np.float64) - maps).max()),
        metrics={name: registry.metric(name).spec.version for name in names},
        left_out=tuple(name for name in run.scores if name not in names),
    )
    return Packed(
        about,
        run,
        record,
        (record.model_dump_json(indent=1).encode(), format_scores(scores).encode(), values.getvalue()),
    )


def recomputed_metrics(run: Record, registry: Registry) -> list[str]:
    """Return the metrics of a bundled run: the default ones, and those of the run, that score the predicted maps.

    Args:
        run: Record of the run.
        registry: Registry of the metrics.
    """
    return [
        name
        for name, offer in registry.metrics.items()
        if offer.spec.scores == "prediction" and (offer.spec.default or name in run.scores)
    ]
