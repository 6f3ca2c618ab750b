"""`export`: write the fitted method of a finished run as a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import print_json, print_line
from fwibench.cli.options import ForceOutput, Json, Run, check_results
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.output_files import check_outputs
from fwibench.cli.registry import open_registry
from fwibench.files.atomic import sha256
from fwibench.runs.artefacts.results import Results


def export(
    run: Run,
    output: Annotated[Path, typer.Option("--output", "-o", help="The model file to write, NAME.fwib.")],
    results: ResultsOption = Path("results"),
    force: ForceOutput = False,
    json: Json = False,
) -> None:
    """Write the fitted method of a finished run as a model file, which needs nothing else to predict."""
    check_results(results)
    check_outputs({}, {"--output": (output, ".fwib")}, force=force)
    folder = Results(results).run(run)
    registry = open_registry()
    from fwibench.runs.models.export import export_run

    export_run(folder, output, registry)
    print_model(output, json=json)


def print_model(path: Path, *, json: bool) -> None:
    """Print what a model file holds.

    Args:
        path: The file.
        json: Whether to print JSON.
    """
    from fwibench.runs.models.model import read_model

    model, size, digest = read_model(path), path.stat().st_size, sha256(path)
    cell = model.record.cell
    if json:
        print_json(
            {
                "output": str(path),
                "run": model.run,
                "method": cell.method,
                "method_version": cell.method_version,
                "dataset": cell.dataset,
                "split": cell.split,
                "bytes": size,
                "sha256": digest,
            }
        )
        return
    print_line(f"{path}: {cell.method} (version {cell.method_version}) of {model.run}")
    print_line(f"{size / 1e6:.3g} MB, SHA-256 {digest}")
    print_line(f"fwibench predict {path} MEASUREMENTS.npy -o MAPS.npy applies it")
