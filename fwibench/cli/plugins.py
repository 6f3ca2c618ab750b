"""The commands about plugins."""

from __future__ import annotations

import typer

from fwibench.cli import checking

plugins = typer.Typer(help="Check what plugins offer.", no_args_is_help=True)
checking.register(plugins)


@plugins.callback()
def _group() -> None:
    """Keeps `check` a command of its own while it is the only one."""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(plugins, name="plugins")
