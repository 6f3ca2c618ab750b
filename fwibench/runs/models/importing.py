"""Model files made of published weights in other formats, which importers of plugins read."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from fwibench.errors import DataError, PluginError
from fwibench.files.atomic import sha256
from fwibench.plugins.isolation import blaming
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, write_record
from fwibench.runs.models.archive import Manifest, pack
from fwibench.runs.models.export import describe
from fwibench.runs.models.layout import run_folder
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.planning.plan import non_default_options
from fwibench.specs.importer import Imported, ImporterSpec
from fwibench.specs.options import validate_options

SPLIT = "published"
"""Split of models that were trained elsewhere."""


def import_model(checkpoint: Path, importer: ImporterSpec, dataset: str, output: Path, registry: Registry) -> Manifest:
    """Write published weights as a model file.

    Args:
        checkpoint: File with the weights.
        importer: Spec of the importer that reads it.
        dataset: Name of the dataset that the weights were trained on.
        output: The model file; an existing one is replaced.
        registry: Registry of methods and datasets.

    Returns:
        The manifest of the file.

    Raises:
        UnknownNameError: There is no such dataset, or the method is not installed.
        DataError: The checkpoint is absent or does not hold the expected weights.
        PluginError: The importer's code fails.
    """
    if not checkpoint.is_file():
        raise DataError(f"{checkpoint} does not exist", "name a file of published weights")
    opened = open_dataset(registry, dataset, "paper")
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        files = RunFiles(Path(scratch))
        files.model.mkdir()
        with blaming(partial(_fault, importer)):
            imported: Imported = importer.load()(checkpoint, opened.problem, files.model)
        offer = registry.method(imported.method)
        validated = validate_options(imported.method, offer.spec.options, {}, imported.options)
        options = validated.model_dump(mode="json")
        digest = sha256(checkpoint)
        record = Record(
            cell=Cell(
                method=imported.method,
                method_version=offer.spec.version,
                options=options,
                non_default=non_default_options(offer.spec, options),
                dataset=dataset,
                dataset_options={},
                # the samples are not known, so no dataset has the fingerprint
                fingerprint="",
                split=SPLIT,
                seed=0,
                profile="paper",
                files={"checkpoint": digest},
            ),
            status="ok",
            notes=[f"imported by {importer.name} from {checkpoint.name}, SHA-256 {digest}", *imported.notes],
            # how it was trained is not known, so no option of the training differs
            chosen=imported.options,
            kind=offer.spec.kind,
            track="extra-data",
            plugin=offer.plugin.distribution,
            source="files",
            unit=imported.problem.property.unit,
            started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )
        write_record(record, files.record)
        inside = RunFiles(Path(run_folder(record.run_id)))
        members: dict[str, Path | str] = {
            **describe(record, imported.problem, offer.spec),
            inside.record.as_posix(): files.record,
            **{
                (inside.model / path.relative_to(files.model)).as_posix(): path
                for path in sorted(files.model.rglob("*"))
                if path.is_file()
            },
        }
        return pack(output, record.run_id, 0.0, members)


def _fault(importer: ImporterSpec, what: str) -> PluginError:
    return PluginError(
        f"importer '{importer.name}' ({importer.target}) fails: {what}",
        "--debug shows where; report it to the author of its plugin",
    )
