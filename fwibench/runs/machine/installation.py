"""Checks of an installation: packages, devices, plugins and the data folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from fwibench.files.atomic import data_root
from fwibench.plugins.registry import Registry
from fwibench.runs.machine.environment import describe_environment

Finding = tuple[bool, str, str]
"""Whether a check passed, what was checked, and what was found."""
NEEDED_DEEPWAVE = "0.1."


def check_installation(registry: Registry) -> Iterator[Finding]:
    """Check packages, devices, plugins and the data folder; imports torch."""
    yield _check_torch()
    environment = describe_environment()
    yield True, "python", f"{environment['python']} on {environment['platform']}"
    yield True, "cpu", f"{environment['cpu']}, {environment['cores']} cores"
    yield True, "gpu", environment.get("gpu") or "none"
    for name, version in environment["packages"].items():
        passed = version is not None and (name != "deepwave" or version.startswith(NEEDED_DEEPWAVE))
        expected = f", expected {NEEDED_DEEPWAVE}x" if name == "deepwave" and not passed else ""
        yield passed, name, (version or "not installed") + expected
    for plugin in registry.plugins:
        state = plugin.verdict or (f"disabled by {plugin.disabled}" if plugin.disabled else "")
        yield not plugin.broken, f"plugin {plugin.name}", ", ".join(filter(None, (plugin.origin, state)))
    root = data_root()
    existing = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    writable = os.access(existing, os.W_OK)
    free = shutil.disk_usage(existing).free / 1e9
    yield writable, "data folder", f"{root}, {free:.1f} GB free{'' if writable else ', not writable'}"


def _check_torch() -> Finding:
    """Import torch, so that the description of the environment includes threads and GPU."""
    try:
        import torch
    except ImportError as error:
        return False, "torch", str(error)
    return True, "threads", str(torch.get_num_threads())
