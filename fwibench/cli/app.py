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
    streams,
    using,
)
from fwibench.cli.apps import App
from fwibench.cli.hoisting import hoist
from fwibench.cli.output import print_error
from fwibench.errors import FwibenchError, UsageError
from fwibench.plugins.guard import describe
from fwibench.plugins.settings import Settings, read_settings, split
from fwibench.runs.processes.variables import bounded_waiting

FAULT = 70
"""Exit code of an error that no command expected, as EX_SOFTWARE of sysexits.h."""

app = App(
    name="fwibench",
    help="Benchmark methods of geophysical inversion on the same data, clocks and metrics.",
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
    """Runs the command line; `arguments` default to the process's.

    Raises:
        SystemExit: Always; its cause is the error if that was unexpected, a fault of the suite.
    """
    streams.prepare()
    # before anything imports torch: some commands simulate and predict in this process
    os.environ.update(bounded_waiting(os.environ))
    unexpected: Exception | None = None
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
    except Exception as error:
        if os.environ.get("FWIBENCH_DEBUG"):
            raise
        code, unexpected = _explain(error), error
    if failure := streams.finish():
        print_error(f"standard output cannot be written: {failure}", "make room, or send the output elsewhere")
        code = code or 1
    raise SystemExit(code) from unexpected


def _run(arguments: list[str]) -> int:
    """The exit code of a command; unexpected errors pass, all of them with --debug."""
    try:
        app(hoist(arguments))
    except FwibenchError as error:
        if os.environ.get("FWIBENCH_DEBUG"):
            raise
        print_error(error.message, error.hint)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _explain(error: Exception) -> int:
    """Says in two lines what no command expected; returns the exit code."""
    if isinstance(error, OSError) and error.strerror:
        named = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        print_error(f"{named}{error.strerror}", "check the path, the permissions and the disk; --debug shows where")
        return 1
    if isinstance(error, MemoryError):
        print_error("the memory is full", "try a smaller request or a smaller profile; --debug shows where")
        return 1
    print_error(f"{describe(error)}; this is a fault of fwibench", "--debug shows where; please report it")
    return FAULT
