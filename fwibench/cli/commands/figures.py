"""`figures`: draw figures of a results folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from fwibench.boards.repetitions import select_records
from fwibench.cli.console.output import errors, print_json, print_table, warn
from fwibench.cli.options import Json, OnDataset, OnProfile, OnSplit
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.records import read_records
from fwibench.cli.registry import open_registry
from fwibench.errors import DataError, UnknownNameError, UsageError
from fwibench.files.atomic import atomic_write, check_folder
from fwibench.plugins.settings import split as split_names
from fwibench.runs.artefacts.results import Results

if TYPE_CHECKING:
    from fwibench.report.figures.drawing import Drawing, Format


def figures(
    results: ResultsOption = Path("results"),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the files; RESULTS/figures by default.")
    ] = None,
    formats: Annotated[str, typer.Option("--format", help="png, svg or both, separated by a comma.")] = "png,svg",
    kind: Annotated[
        str,
        typer.Option(help="Kinds: panels, training, cost, errors, convergence, resolution, spectrum; all by default."),
    ] = "",
    dataset: OnDataset = "",
    split: OnSplit = "",
    profile: OnProfile = "",
    samples: Annotated[str, typer.Option(metavar="ID,ID", help="Test samples to show in panels.")] = "",
    json: Json = False,
) -> None:
    """Draw panels, curves of training and convergence, costs, errors, resolution and spectra of runs in a folder."""
    # imported when needed: every command imports this module
    from fwibench.report.figures.kinds import list_drawings
    from fwibench.report.sources import Sources

    suffixes, target = _formats(formats), output or results / "figures"
    folder = Results(results)
    where = {"dataset": dataset, "split": split, "profile": profile}
    sources = Sources(folder, select_records(read_records(folder), **where), open_registry())
    check_folder(target)
    drawings = list_drawings(sources, split_names([kind]), split_names([samples]))
    for fault in sources.faults:
        warn(fault)
    if not drawings:
        raise DataError(
            f"nothing in {results} can be drawn as {kind or 'a figure of any kind'}{_narrowed(where)}",
            "figures need finished runs, panels also the data; docs/guide/figures.md lists what each kind needs",
        )
    written = _write(drawings, suffixes, target)
    if json:
        print_json(written)
        return
    rows = [[one["kind"], one["dataset"], one["file"], f"{one['bytes'] / 1e3:.0f}"] for one in written]
    print_table("", ("kind", "dataset", "file", "kB"), rows, right=("kB",), optional=("dataset", "kB"))


def _formats(text: str) -> list[Format]:
    from fwibench.report.figures.drawing import Format

    known = {name: name for name in get_args(Format)}
    for name in (names := split_names([text])):
        if name not in known:
            raise UnknownNameError.among("format", name, known)
    if not names:
        raise UsageError("--format is empty, expected png, svg or both")
    return [known[name] for name in dict.fromkeys(names)]


def _narrowed(where: dict[str, str]) -> str:
    chosen = [f"{column} {value}" for column, value in where.items() if value]
    return f" of {', '.join(chosen)}" if chosen else ""


def _write(drawings: Sequence[Drawing], suffixes: Sequence[Format], folder: Path) -> list[dict[str, Any]]:
    """Write each figure in each format; return what was written, file by file."""
    from fwibench.report.figures.drawing import render

    written = []
    with errors().status("drawing") as status:
        for drawing in drawings:
            status.update(f"drawing {drawing.name}")
            for suffix in suffixes:
                try:
                    path, content = folder / f"{drawing.name}.{suffix}", render(drawing, suffix)
                except DataError as error:
                    warn(error.message)
                    continue
                with atomic_write(path) as stream:
                    stream.write(content)
                said = {"file": str(path), "kind": drawing.kind, "title": drawing.title, "caption": drawing.caption}
                written.append({**said, **drawing.setting._asdict(), "bytes": len(content)})
    return written
