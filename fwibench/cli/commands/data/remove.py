"""`data remove`: remove an added dataset."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from fwibench.cli.console.output import print_line
from fwibench.datasets.user.description import forget, read_descriptions
from fwibench.errors import UnknownNameError


def remove(name: Annotated[str, typer.Argument(help="Name of an added dataset.")]) -> None:
    """Remove an added dataset from the list of datasets; your files are kept."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or not forget(name):
        raise UnknownNameError.among("added dataset", name, [one.name for one in read_descriptions()[0]])
    print_line(f"{name} is removed; your files are kept")
