"""`doctor`: check the installation."""

from __future__ import annotations

import typer

from fwibench.cli.console.output import print_json, print_table
from fwibench.cli.options import Json
from fwibench.cli.registry import open_registry
from fwibench.runs.machine.installation import check_installation


def doctor(json: Json = False) -> None:
    """Check packages, devices, plugins and folders; exit code 1 if a check fails."""
    findings = list(check_installation(open_registry(check=False)))
    if json:
        print_json([{"ok": ok, "what": what, "finding": finding} for ok, what, finding in findings])
    else:
        print_table("", ("", "what", "finding"), [["ok" if ok else "FAULT", *rest] for ok, *rest in findings])
    if not all(ok for ok, *_ in findings):
        raise typer.Exit(1)
