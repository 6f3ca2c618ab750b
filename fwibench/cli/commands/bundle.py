"""`bundle`: write finished runs as one file that anybody can verify."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import print_json, print_line, print_table
from fwibench.cli.located import Located, read_located
from fwibench.cli.options import ForceOutput, Json, check_results
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.output_files import check_outputs
from fwibench.cli.registry import open_registry
from fwibench.runs.artefacts.results import Results
from fwibench.text.readable import as_utf8, counted, show_number


def bundle(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Names of finished runs, or parts of names that are unique.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle to write, NAME.zip.")],
    results: ResultsOption = Path("results"),
    located: Located = None,
    force: ForceOutput = False,
    json: Json = False,
) -> None:
    """Write finished runs as one file that anybody can verify: records, scores and rounded predictions."""
    check_results(results)
    check_outputs({}, {"--output": (output, ".zip")}, force=force)
    folders = [Results(results).run(run) for run in runs]
    registry = open_registry()
    paths = read_located(registry, located)
    from fwibench.runs.bundles.writing import write_bundle

    written = write_bundle(folders, output, registry, ["fwibench", *map(as_utf8, sys.argv[1:])], paths)
    rows = [
        (one.run.run_id, name, one.run.scores.get(name), score)
        for one in written
        for name, score in one.record.scores.items()
    ]
    if json:
        print_json([dict(zip(("run", "metric", "in_run", "in_bundle"), row, strict=True)) for row in rows])
        return
    texts = [[run, name, show_number(before, 6), show_number(now, 6)] for run, name, before, now in rows]
    print_table("", ("run", "metric", "in the run", "in the bundle"), texts, right=("in the run", "in the bundle"))
    for one in written:
        print_line(f"{one.run.run_id}: maps rounded by {show_number(one.about.rounding, 2)} {one.run.unit} at most")
        if one.about.left_out:
            print_line(f"{one.run.run_id}: without {', '.join(one.about.left_out)}, which its maps alone do not give")
    print_line(f"{output}: {counted(len(written), 'run')}, {output.stat().st_size / 1e6:.3g} MB")
    print_line(f"fwibench verify {output} checks it")
