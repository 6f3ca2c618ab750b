"""Every command of the program, by its name on the command line."""

from collections.abc import Iterator
from typing import Any

from fwibench.cli.app import app


def commands(command: Any, name: str = "fwibench") -> Iterator[tuple[str, Any]]:
    yield name, command
    for below, one in getattr(command, "commands", {}).items():
        yield from commands(one, f"{name} {below}")


EVERY = dict(commands(app))
