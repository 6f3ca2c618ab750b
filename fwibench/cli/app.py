"""The command line: collects the commands, and turns errors into two lines and an exit code."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

import fwibench
from fwibench.cli import adding, data, doctor, listing, plugins, reading, running
from fwibench.cli.output import errors
from fwibench.errors import FwibenchError, UsageError
from fwibench.plugins.loading import PLUGINS_DIR_VARIABLE

app = typer.Typer(
    name="fwibench",
    help="Benchmark methods of geophysical inversion on the same data, clocks and metrics.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for module in (running, reading, listing, data, adding, plugins, doctor):
    module.register(app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"fwibench {fwibench.__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    plugins_dir: Annotated[
        Path | None, typer.Option(help="Also load the plugins (files and packages) in this folder.", show_default=False)
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if plugins_dir is not None:
        os.environ[PLUGINS_DIR_VARIABLE] = str(plugins_dir.absolute())
    if debug:
        os.environ["FWIBENCH_DEBUG"] = "1"


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs the command line; `arguments` default to the process's."""
    try:
        app(arguments)
    except FwibenchError as error:
        if os.environ.get("FWIBENCH_DEBUG"):
            raise
        errors().print(f"[bold red]error:[/] {_escape(error.message)}", soft_wrap=True)
        if error.hint:
            errors().print(f"[bold]hint:[/] {_escape(error.hint)}", soft_wrap=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
