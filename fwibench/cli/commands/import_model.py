"""`import-model`: make a model file of published weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.commands.export import print_model
from fwibench.cli.options import ForceOutput, Json
from fwibench.cli.output_files import check_outputs
from fwibench.cli.registry import open_registry


def import_model(
    importer: Annotated[str, typer.Argument(help="Importer that reads the file; fwibench list importers shows them.")],
    checkpoint: Annotated[Path, typer.Argument(help="File with the published weights.")],
    family: Annotated[
        str,
        typer.Option(
            "--dataset", "--family", "-d", metavar="NAME", help="Dataset that they were trained on, such as flatvel-a."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model file to write, NAME.fwib.")],
    force: ForceOutput = False,
    json: Json = False,
) -> None:
    """Make a model file of published weights, such as OpenFWI's checkpoints."""
    check_outputs({"the checkpoint": checkpoint}, {"--output": (output, ".fwib")}, force=force)
    registry = open_registry()
    spec = registry.importer(importer).spec
    from fwibench.runs.models import importing

    importing.import_model(checkpoint, spec, family, output, registry)
    print_model(output, json=json)
