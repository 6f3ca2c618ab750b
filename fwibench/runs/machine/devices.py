"""Selection of the device that a method runs on.

Invariant: a plan rejects a device only for reasons that are certain without importing torch.
"""

from __future__ import annotations

import ctypes
import re
from functools import cache

from fwibench.errors import FwibenchError, UnsuitableError, UsageError
from fwibench.specs.method import MethodSpec
from fwibench.text.readable import counted

DRIVERS = ("libcuda.so.1", "libamdhip64.so")


def check_device(device: str) -> None:
    """Raise `UsageError` unless `device` is `auto`, `cpu`, `cuda` or `cuda:N`."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        raise UsageError(f"--device is '{device}', expected auto, cpu, cuda or cuda:N")


def unsupported_device_reason(method: MethodSpec, asked: str) -> str:
    """Return why a method cannot run on the requested device; empty if it can, as far as is known without torch."""
    if "cpu" in method.devices:
        return ""
    if asked == "cpu":
        return f"{method.name} runs on {' and '.join(method.devices)} only, --device is cpu"
    return "" if has_gpu_driver() else _no_gpu(method.name)


def may_use_gpu(method: MethodSpec, asked: str) -> bool:
    """Return whether a method computes on a GPU if there is one; needs no torch."""
    return "cuda" in method.devices and asked != "cpu"


def choose_device(asked: str, method: MethodSpec) -> str:
    """Return the device for a method: `auto` selects a GPU if there is one that the method supports.

    Raises:
        FwibenchError: The requested device does not exist.
        UnsuitableError: The method supports no device of this machine.
    """
    if "cuda" in method.devices and (device := find_device(asked)) != "cpu":
        return device
    # a GPU that is asked for must exist, which one does not matter to a method that cannot use it
    find_device(asked.partition(":")[0])
    if "cpu" not in method.devices:
        raise UnsuitableError(unsupported_device_reason(method, asked) or _no_gpu(method.name))
    return "cpu"


def find_device(asked: str) -> str:
    """Return the requested device: `auto` selects a GPU if there is one, else the CPU.

    Raises:
        FwibenchError: The device does not exist.
    """
    check_device(asked)
    import torch

    kind, available = asked.partition(":")[0], torch.cuda.is_available()
    if kind == "cuda" and not available:
        raise FwibenchError("--device cuda was asked for, but torch sees no GPU", "use --device cpu or auto")
    if kind == "cpu" or not available:
        return "cpu"
    device, number = "cuda" if kind == "auto" else asked, int(asked.partition(":")[2] or 0)
    if number >= (count := torch.cuda.device_count()):
        raise FwibenchError(
            f"--device {asked} was asked for, but torch sees {counted(count, 'GPU')}", "the first one is cuda:0"
        )
    return device


def _no_gpu(name: str) -> str:
    return f"{name} needs a GPU (cuda), and there is none that torch could use"


def select_device(device: str) -> None:
    """Set the current GPU of this process, to which `cuda` without a number refers.

    Third-party code, GPU libraries and the description of the environment then use the same GPU as the method.
    """
    if device.startswith("cuda:"):
        import torch

        torch.cuda.set_device(device)


@cache
def has_gpu_driver() -> bool:
    """Return whether a GPU driver is installed: without one torch finds no GPU."""
    for name in DRIVERS:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False
