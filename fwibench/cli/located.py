"""The option of the commands of bundles that says where original files of datasets lie."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fwibench.plugins.registry import Registry
from fwibench.runs.planning.grammar import read_one

Located = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset",
        "-d",
        metavar="NAME[path=FOLDER]",
        help="Folder of the original files of a dataset on this machine: flatvel-a[path=FOLDER]. Repeatable.",
    ),
]


def read_located(registry: Registry, located: list[str] | None) -> dict[str, dict[str, Any]]:
    """Return the options of datasets that say where their files lie, by name of the dataset.

    Args:
        registry: Registry of the datasets.
        located: Values of `Located`.

    Raises:
        UsageError: A dataset or an option is unknown.
    """
    chosen = [read_one(registry, "dataset", text) for text in located or ()]
    return {one.name: one.options for one in chosen}
