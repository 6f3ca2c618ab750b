"""Checks that specs of every kind must pass."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from fwibench.plugins.registry import Offer
from fwibench.testing.checks import NonconformityError, NotApplicableError, describe, require

HEAVY = ("torch", "deepwave", "scipy", "pandas", "matplotlib")
"""Packages that an entry module must not import, because every command imports it."""
HOOKS = ("fwibench_methods", "fwibench_datasets", "fwibench_metrics", "fwibench_studies")


class HasSpec(Protocol):
    """A subject of these checks."""

    @property
    def spec(self) -> Any:
        """Spec of the subject."""

    @property
    def entry(self) -> str:
        """Name of the module with the plugin's hooks; empty if no plugin offers the subject."""


def entry_module(offer: Offer[Any]) -> str:
    """Return the name of the module with the hooks of a plugin; empty if they are not in a module."""
    manager = offer.plugin.manager
    modules = list(manager.get_plugins()) if manager else []
    return str(getattr(modules[0], "__name__", "")) if modules else ""


def import_environment() -> dict[str, str]:
    """Return the environment of a child process that finds the same modules as this process."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def entry_module_is_light(subject: HasSpec) -> None:
    """Importing the plugin's module and calling its hooks imports neither torch nor other large packages."""
    if not subject.entry:
        raise NotApplicableError("no loaded plugin offers it")
    found = _heavy_imports(subject.entry)
    require(
        not found,
        f"calling the hooks of {subject.entry} imports {', '.join(found)}",
        "import them in the module that the target of the spec names",
    )


@functools.cache
def _heavy_imports(module: str) -> tuple[str, ...]:
    program = (
        "import importlib, json, sys\n"
        "module = importlib.import_module(sys.argv[1])\n"
        f"for hook in {HOOKS}:\n"
        "    list(getattr(module, hook, tuple)())\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, module],
        capture_output=True,
        text=True,
        env=import_environment(),
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise NonconformityError(f"{module} cannot be imported in a child process: {last}")
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def options_survive_json(subject: HasSpec) -> None:
    """Every option has a default, and defaults and profiles survive a JSON round-trip."""
    spec = subject.spec
    for name, values in {"the defaults": {}, **getattr(spec, "profiles", {})}.items():
        try:
            options: BaseModel = spec.options.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise NonconformityError(f"options of {name}: {where}: {first['msg'].lower()}") from error
        try:
            again = spec.options.model_validate_json(options.model_dump_json())
        except ValueError as error:
            raise NonconformityError(
                f"options of {name} do not survive a JSON round-trip: {describe(error)}"
            ) from error
        require(again == options, f"options of {name} are {options!r}, after a JSON round-trip {again!r}")
