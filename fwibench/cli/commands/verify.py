"""`verify`: check that the scores of a bundle are those of its predictions, and that they can be true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fwibench.cli.console.output import print_json, print_line, print_table, warn
from fwibench.cli.located import Located, read_located
from fwibench.cli.options import Json
from fwibench.cli.registry import open_registry
from fwibench.text.readable import printable, shorten

if TYPE_CHECKING:
    from fwibench.runs.bundles.verification import Verdict

UNDECIDED = 3
"""Exit code if no check failed, and some could not be made."""


def verify(
    bundle: Annotated[Path, typer.Argument(help="The bundle, NAME.zip.")],
    against: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="Bundles that are published already, or a folder of them: none may be copied. Repeatable.",
        ),
    ] = None,
    located: Located = None,
    json: Json = False,
) -> None:
    """Compute the scores of a bundle again and check all it states; exit code 1 if rejected, 3 if not decided."""
    registry = open_registry()
    folders = read_located(registry, located)
    from fwibench.runs.bundles import verification

    verdict = verification.verify(bundle, registry, against or (), folders)
    if json:
        print_json({**asdict(verdict), "result": verdict.result})
    else:
        _print(verdict)
    if verdict.result != "passed":
        raise typer.Exit(1 if verdict.result == "rejected" else UNDECIDED)


def _print(verdict: Verdict) -> None:
    from fwibench.runs.bundles.verification import CHECKS

    for note in verdict.notes:
        warn(note)
    if verdict.findings:
        states = {None: "-", True: "failed", False: "ok"}
        rows = [
            [one.run, *(states[bool(one.faults[name]) if name in one.faults else None] for name in CHECKS)]
            for one in verdict.findings
        ]
        print_table("", ("run", *CHECKS), rows)
    for line in _lines(verdict):
        # texts of a bundle may hold line breaks, which logs of workflows take for commands
        print_line(printable(shorten(line)))
    print_line(f"{verdict.path}: {verdict.result}")


def _lines(verdict: Verdict) -> Iterator[str]:
    """Yield reasons, what could not be checked, and notes."""
    if verdict.fault:
        yield verdict.fault
    for one in verdict.findings:
        for name, reasons in one.faults.items():
            yield from (f"{one.run}: {name}: {reason}" for reason in reasons)
        if one.absent:
            yield f"{one.run}: not decided: {one.absent}"
            yield f"hint: {one.hint}"
        yield from (f"{one.run}: note: {note}" for note in one.notes)
