"""Base classes of commands and groups of commands.

Invariant: help texts are printed as declared, numbers on the command line are finite, and a command is imported only
when it is used.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class Command(TyperCommand):
    """A command that accepts only finite numbers: no option has a meaning for NaN or infinity."""

    def invoke(self, ctx: Any) -> Any:
        """Check the numbers, then run the command.

        Raises:
            UsageError: A number is NaN or infinite.
        """
        from fwibench.errors import UsageError

        for parameter in self.params:
            value = ctx.params.get(parameter.name)
            for one in value if isinstance(value, list | tuple) else [value]:
                if isinstance(one, float) and not math.isfinite(one):
                    raise UsageError(f"{parameter.opts[0]} is {one}, expected a finite number", "correct the number")
        return super().invoke(ctx)


class Commands(Mapping[str, Any]):
    """The commands of a group by name.

    One is imported when it is asked for: as the function of its name in the module of its name, with an underscore
    for a hyphen, and one behind a name that Python has.

    Args:
        package: Package of the modules.
        members: First paragraph of each command's help text, or the group below this one, by name.
    """

    def __init__(self, package: str, members: Mapping[str, str | Group]) -> None:
        self._package, self._members = package, members

    def __getitem__(self, name: str) -> Any:
        member = self._members[name]
        return self._load(name) if isinstance(member, str) else member

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def _load(self, name: str) -> Any:
        function = name.replace("-", "_")
        module = import_module(f"{self._package}.{function}")
        app = _app()
        app.command(name, cls=Command)(getattr(module, f"{function}_" if hasattr(builtins, name) else function))
        return typer.main.get_command(app)

    def summaries(self) -> list[tuple[str, str]]:
        """Return name and first paragraph of each; nothing is imported."""
        return [(name, one if isinstance(one, str) else one.help or "") for name, one in self._members.items()]


class Group(TyperGroup):
    """A group of commands."""

    commands: Commands  # type: ignore[assignment]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands with the whole of their summaries."""
        with formatter.section("Commands"):
            formatter.write_dl(self.commands.summaries())


def make_group(
    text: str, package: str, members: Mapping[str, str | Group], callback: Callable[..., None] = lambda: None
) -> Group:
    """Return a group of commands.

    Args:
        text: Its help text.
        package: See `Commands`.
        members: See `Commands`.
        callback: Function whose parameters are the options of the group.
    """
    app = _app(help=text, cls=Group, no_args_is_help=True)
    app.callback()(callback)
    group = typer.main.get_command(app)
    assert isinstance(group, Group)
    group.commands = Commands(package, members)
    return group


def _app(**settings: Any) -> typer.Typer:
    # Rich reads `[m]` and `[alpha=1|10]` in help texts as markup and removes them
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False, **settings)
