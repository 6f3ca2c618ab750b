"""What the scripts of this folder share: commands with a time limit, and a description of the machine."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("fwibench", "torch", "deepwave", "lightning-fabric", "numpy", "scipy", "scikit-learn", "pydantic", "pytest")


class NoDeviceError(Exception):
    """The device that was asked for is not there."""


def describe_machine(device: str) -> dict[str, Any]:
    """Return platform, packages and, with `cuda`, the GPU.

    Raises:
        NoDeviceError: PyTorch does not see the GPU.
    """
    import torch

    machine: dict[str, Any] = {
        "platform": platform.platform(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "packages": {name: installed(name) for name in PACKAGES},
        "git": output_of("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
    }
    if not device.startswith("cuda"):
        return machine
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    number = int(device.partition(":")[2] or 0)
    if number >= count:
        raise NoDeviceError(f"--device is {device}, and torch {torch.__version__} sees {count} GPUs")
    properties = torch.cuda.get_device_properties(number)
    return machine | {
        "gpu": properties.name,
        "gpu_memory_gb": round(properties.total_memory / 2**30, 1),
        "compute_capability": f"{properties.major}.{properties.minor}",
        "driver": output_of(*smi(device, "driver_version")),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def smi(device: str, quantity: str, *options: str) -> list[str]:
    """Return the words of an `nvidia-smi` command that prints a quantity of torch's GPU, whatever its number there."""
    import torch

    uuid = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    place = f"GPU-{uuid}" if uuid else device.partition(":")[2] or "0"
    return ["nvidia-smi", f"--id={place}", f"--query-gpu={quantity}", "--format=csv,noheader,nounits", *options]


def run(command: list[str], limit: float, log: Path, **variables: str) -> int | None:
    """Run a command in a process group of its own; its exit code, None if it took too long.

    Args:
        command: Words of the command.
        limit: Time after which the group is killed [s].
        log: File that receives what the command prints.
        variables: Environment variables.
    """
    if limit <= 0:
        log.write_text("there was no time left\n")
        return None
    with log.open("wb") as stream:
        child = subprocess.Popen(
            command,
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, **variables},
            start_new_session=True,
        )
        try:
            return child.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def fwibench(*arguments: str) -> list[str]:
    """Return the words of a fwibench command with this Python."""
    return [sys.executable, "-m", "fwibench", *arguments]


def installed(package: str) -> str | None:
    """Version of a package; None where it is not installed."""
    with contextlib.suppress(PackageNotFoundError):
        return version(package)
    return None


def output_of(*command: str) -> str | None:
    """What a command prints; None where there is no such command or it fails."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip() or None
    return None


def last_line(log: Path) -> str:
    """Return the error that a log tells, or else its last line."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error:")]
    return next(iter([*errors, *reversed(lines)]), "")
