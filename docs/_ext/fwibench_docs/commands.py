"""The reference of the commands, from the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from fwibench_docs import markdown


def commands_page(app: Any) -> str:
    """Return the page of all commands: help, usage, arguments and options.

    Args:
        app: The click group of all commands.
    """
    introduction = "Every command has `--help`, which prints the same."
    return markdown.page("Commands", introduction, *describe(app, "fwibench"))


def describe(command: Any, name: str) -> Iterator[str]:
    """Yield a section for a command and for each command below it.

    Args:
        command: A click command or group.
        name: How it is called, with the commands above it.
    """
    context = typer.Context(command, info_name=name)
    records = [(param.param_type_name, param.get_help_record(context)) for param in command.get_params(context)]
    lines = [f"## `{name}`", "", markdown.prose(command.help), "", "```console"]
    lines += [" ".join(["$", name, *command.collect_usage_pieces(context)]), "```", ""]
    for kind in ("argument", "option"):
        shown = [(record[0], record[1]) for of, record in records if of == kind and record]
        rows = [(markdown.code(what), text) for what, text in shown if not what.startswith("--help")]
        if rows:
            lines += [markdown.table((kind, "meaning"), rows)]
    yield "\n".join(lines)
    for below, one in sorted(getattr(command, "commands", {}).items()):
        yield from describe(one, f"{name} {below}")


def undocumented_commands(command: Any, name: str) -> Iterator[str]:
    """Yield the commands, arguments and options that have no help text.

    Args:
        command: A click command or group.
        name: How it is called, with the commands above it.
    """
    if not (command.help or "").strip():
        yield name
    context = typer.Context(command, info_name=name)
    for param in command.get_params(context):
        record = param.get_help_record(context)
        # a default in brackets does not say what an option is for
        if record and not re.sub(r"\[.*\]", "", record[1]).strip():
            yield f"{name} {record[0]}"
    for below, one in sorted(getattr(command, "commands", {}).items()):
        yield from undocumented_commands(one, f"{name} {below}")
