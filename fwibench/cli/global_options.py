"""Global options: they concern every command and may be given anywhere in the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fwibench.plugins.settings import Settings, read_settings, split
from fwibench.version import __version__

SWITCHES = ("--no-plugins", "--strict-plugins", "--debug")
VALUED = ("--plugins-dir", "--disable-plugin", "--override")


def move_to_front(arguments: list[str]) -> list[str]:
    """Move the global options, with their values, in front of the command; arguments after `--` stay in place.

    Args:
        arguments: Command line without the name of the program.

    Returns:
        The arguments in their new order.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    front, rest = [], []
    words = iter(arguments[:end])
    for word in words:
        if word in SWITCHES or word.startswith(tuple(f"{name}=" for name in VALUED)):
            front.append(word)
        elif word in VALUED:
            front += [word, *[value for value in [next(words, None)] if value is not None]]
        else:
            rest.append(word)
    return [*front, *rest, *arguments[end:]]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"fwibench {__version__}")
        raise typer.Exit


def set_global_options(
    plugins_dir: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR", help="Also load the plugins (files and packages) in this folder. Repeatable."),
    ] = None,
    no_plugins: Annotated[
        bool, typer.Option("--no-plugins", help="Load only the plugins that are shipped with fwibench.")
    ] = False,
    disable_plugin: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Do not load this plugin or distribution. Repeatable.")
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Let a plugin replace this method or dataset of another plugin. Repeatable.",
        ),
    ] = None,
    strict_plugins: Annotated[
        bool, typer.Option("--strict-plugins", help="Stop with exit code 2 if a plugin is broken.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Apply the global options to this process and to the processes that it starts."""
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
