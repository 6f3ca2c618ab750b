"""Description of the hardware and software that produced a result.

Invariant: collecting it imports no heavy package; threads and GPU are reported only if torch is loaded already.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fwibench.version import __version__

PACKAGES = ("torch", "lightning-fabric", "numpy", "scipy", "scikit-learn", "deepwave", "pydantic", "pluggy")


def describe_environment() -> dict[str, Any]:
    """Return versions, processor, threads and git state, and the name of the GPU if torch is loaded and finds one."""
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        # in a checkout, the metadata that was installed may be that of an earlier version
        "packages": {"fwibench": __version__, **{name: _version(name) for name in PACKAGES}},
        "git": _git_state(),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        found["threads"] = torch.get_num_threads()
        found["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else None
        found["cuda"] = torch.version.cuda
    return found


def peak_memory_mb() -> float | None:
    """Return the peak resident memory of this process [MB]; None if the system does not report it.

    `getrusage` would be wrong on Linux: a child inherits the peak of the process that spawned it.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    line = next((line for line in status.splitlines() if line.startswith("VmHWM:")), None)
    return float(line.split()[1]) / 1024 if line else None


def physical_memory() -> int | None:
    """Return the memory of this machine [bytes]; None if the system does not report it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def peak_device_memory_mb(device: str) -> float | None:
    """Return the peak memory that this process allocated on a GPU [MB]; None on a CPU."""
    if not device.startswith("cuda"):
        return None
    import torch

    return torch.cuda.max_memory_allocated(device) / 2**20


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


@cache
def _git_state() -> dict[str, Any] | None:
    """Return the commit of the checkout that this package runs from, and whether it has changes; None without one."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None
