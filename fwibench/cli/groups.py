"""Base classes of commands and groups of commands.

Invariant: help texts are printed as declared, and numbers on the command line are finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand

from fwibench.errors import UsageError


class Command(TyperCommand):
    """A command that accepts only finite numbers: no option has a meaning for NaN or infinity."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the whole first paragraph of the help text; lists of commands wrap long lines."""
        return " ".join((self.help or "").split("\n\n")[0].split())

    def invoke(self, ctx: Any) -> Any:
        """Check the numbers, then run the command.

        Raises:
            UsageError: A number is NaN or infinite.
        """
        for parameter in self.params:
            value = ctx.params.get(parameter.name)
            for one in value if isinstance(value, list | tuple) else [value]:
                if isinstance(one, float) and not math.isfinite(one):
                    raise UsageError(f"{parameter.opts[0]} is {one}, expected a finite number", "correct the number")
        return super().invoke(ctx)


class App(typer.Typer):
    """A group of commands.

    Args:
        settings: Keyword arguments of `typer.Typer`.
    """

    def __init__(self, **settings: Any) -> None:
        # Rich reads `[m]` and `[alpha=1|10]` in help texts as markup and removes them
        super().__init__(rich_markup_mode=None, no_args_is_help=True, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """Register a command, as `typer.Typer.command` does."""
        return super().command(name, cls=Command, **settings)
