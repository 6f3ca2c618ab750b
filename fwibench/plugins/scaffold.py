"""Packages that `plugins new` creates as a starting point.

Invariant: an existing folder is never changed, and every file is rendered before the first one is written.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Literal

from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry
from fwibench.specs.base import API_VERSION
from fwibench.version import __version__

Kind = Literal["method", "dataset", "metric", "study"]

FILES = {
    "pyproject.toml": "pyproject.toml.jinja",
    "README.md": "README.md.jinja",
    "{module}/__init__.py": "{kind}/entry.py.jinja",
    "{module}/{kind}.py": "{kind}/implementation.py.jinja",
    "tests/test_conformance.py": "test_conformance.py.jinja",
    "tests/test_{kind}.py": "{kind}/test.py.jinja",
}
"""Templates by path in the new package."""
LONGEST = 40
"""Largest number of characters of a name."""


def write_package(kind: Kind, name: str, output: Path, registry: Registry) -> dict[Path, str]:
    """Write a working package with one method, dataset, metric or study.

    Args:
        kind: Kind of the offer.
        name: Name of the offer and of the package folder.
        output: Folder for the package folder; created if it does not exist.
        registry: Registry with the names that are taken.

    Returns:
        Contents of the written files by path.

    Raises:
        UsageError: The name is invalid or taken, or the package folder exists or cannot be written.
    """
    module = _module(name, registry)
    folder = output / name
    files = {folder / path: text for path, text in _render(kind, name, module).items()}
    try:
        folder.mkdir(parents=True)
        for path, text in files.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except FileExistsError as error:
        raise UsageError(
            f"{folder} exists already and is left as it is", "choose another name, or another folder with --output"
        ) from error
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}", "choose another --output") from error
    return files


def _module(name: str, registry: Registry) -> str:
    """Return the name of the import package; the prefix allows names such as torch or class."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > LONGEST:
        raise UsageError(
            f"'{name}' cannot be a name, expected at most {LONGEST} small letters, digits and single hyphens, "
            "a letter first",
            "for instance my-net",
        )
    for known in (registry.methods, registry.datasets, registry.metrics, registry.studies):
        if name in known:
            owner = known[name].plugin
            raise UsageError(f"the name '{name}' is taken by {owner.origin} ({owner.name})", "choose another one")
    module = f"fwibench_{name.replace('-', '_')}"
    if importlib.util.find_spec(module) is not None:
        raise UsageError(f"there is a Python package {module} already", "choose another name")
    return module


def _render(kind: Kind, name: str, module: str) -> dict[str, str]:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("fwibench.plugins"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    values = {
        "kind": kind,
        "name": name,
        "module": module,
        "package": f"fwibench-{name}",
        "api": API_VERSION,
        "fwibench": __version__,
    }
    return {
        path.format(kind=kind, module=module): environment.get_template(template.format(kind=kind)).render(values)
        for path, template in FILES.items()
    }
