"""`doctor`: is this installation able to run?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import typer

from fwibench.cli.output import open_registry, print_json, print_table
from fwibench.cli.request import Json
from fwibench.files.atomic import data_root
from fwibench.runs.machine.environment import describe_environment

Finding = tuple[bool, str, str]
NEEDED_DEEPWAVE = "0.1."


def doctor(json: Json = False) -> None:
    """Check packages, devices, plugins and folders; exit 1 if something is wrong."""
    findings = list(_examine())
    if json:
        print_json([{"ok": ok, "what": what, "finding": finding} for ok, what, finding in findings])
    else:
        print_table("", ("", "what", "finding"), [["ok" if ok else "FAULT", *rest] for ok, *rest in findings])
    if not all(ok for ok, *_ in findings):
        raise typer.Exit(1)


def _examine() -> Iterator[Finding]:
    yield _torch()
    environment = describe_environment()
    yield True, "python", f"{environment['python']} on {environment['platform']}"
    yield True, "cpu", f"{environment['cpu']}, {environment['cores']} cores"
    yield True, "gpu", environment.get("gpu") or "none"
    for name, version in environment["packages"].items():
        right = version is not None and (name != "deepwave" or version.startswith(NEEDED_DEEPWAVE))
        expected = f", expected {NEEDED_DEEPWAVE}x" if name == "deepwave" and not right else ""
        yield right, name, (version or "not installed") + expected
    for plugin in open_registry(check=False).plugins:
        state = plugin.verdict or (f"disabled by {plugin.disabled}" if plugin.disabled else "")
        yield not plugin.broken, f"plugin {plugin.name}", ", ".join(filter(None, (plugin.origin, state)))
    root = data_root()
    existing = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    writable = os.access(existing, os.W_OK)
    free = shutil.disk_usage(existing).free / 1e9
    yield writable, "data folder", f"{root}, {free:.1f} GB free{'' if writable else ', not writable'}"


def _torch() -> Finding:
    """Imports torch, so that the environment can tell of threads and GPUs."""
    try:
        import torch
    except ImportError as error:
        return False, "torch", str(error)
    return True, "threads", str(torch.get_num_threads())


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(doctor)
