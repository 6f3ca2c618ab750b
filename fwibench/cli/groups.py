"""How every group of commands is made.

Invariant: help texts are shown as they are written, and a number on the command line is a finite one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand

from fwibench.errors import UsageError


class Command(TyperCommand):
    """A command whose numbers must be finite: none of them means anything as NaN or infinity."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first paragraph of the help text in full; lists of commands break lines."""
        return " ".join((self.help or "").split("\n\n")[0].split())

    def invoke(self, ctx: Any) -> Any:
        """Check the numbers, then run the command.

        Raises:
            UsageError: One is NaN or infinite.
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
        settings: Those of `typer.Typer`.
    """

    def __init__(self, **settings: Any) -> None:
        # Rich would take `[m]` and `[alpha=1|10]` in help texts for markup and leave them out
        super().__init__(rich_markup_mode=None, no_args_is_help=True, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """See `typer.Typer.command`."""
        return super().command(name, cls=Command, **settings)
