"""The command line: collects the commands, and turns errors into two lines and an exit code."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

import fwibench
from fwibench.cli import (
    adding,
    boards,
    data,
    doctor,
    figures,
    folders,
    inverting,
    listing,
    plugins,
    reading,
    report,
    running,
    using,
)
from fwibench.cli.hoisting import hoist
from fwibench.cli.output import errors
from fwibench.errors import FwibenchError, UsageError
from fwibench.plugins.settings import Settings, read_settings, split

app = typer.Typer(
    name="fwibench",
    help="Benchmark methods of geophysical inversion on the same data, clocks and metrics.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for module in (
    running,
    reading,
    using,
    inverting,
    boards,
    figures,
    report,
    folders,
    listing,
    data,
    adding,
    plugins,
    doctor,
):
    module.register(app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"fwibench {fwibench.__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    plugins_dir: Annotated[
        list[str] | None, typer.Option(metavar="DIR", help="Also load the plugins (files and packages) in this folder.")
    ] = None,
    no_plugins: Annotated[
        bool, typer.Option("--no-plugins", help="Load only the plugins that come with fwibench.")
    ] = False,
    disable_plugin: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Do not load this plugin or distribution.")
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Let a later plugin replace this method or dataset of an earlier one."),
    ] = None,
    strict_plugins: Annotated[
        bool, typer.Option("--strict-plugins", help="Stop with exit code 2 if a plugin is broken.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    inherited = read_settings()
    Settings(
        folders=tuple(map(Path, split(plugins_dir, os.pathsep))) if plugins_dir else inherited.folders,
        own_only=no_plugins or inherited.own_only,
        disabled=split(disable_plugin) if disable_plugin else inherited.disabled,
        overrides=split(override) if override else inherited.overrides,
        strict=strict_plugins or inherited.strict,
    ).publish()
    if debug:
        os.environ["FWIBENCH_DEBUG"] = "1"


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs the command line; `arguments` default to the process's."""
    try:
        app(hoist(sys.argv[1:] if arguments is None else arguments))
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
