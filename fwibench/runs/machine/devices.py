"""Where a method runs.

Invariant: nothing is said of a GPU that is not known; what can be told without torch is told at planning.
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
    """Raises `UsageError` unless it is the name of a device."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        raise UsageError(f"--device is '{device}', expected auto, cpu, cuda or cuda:N")


def device_refusal(method: MethodSpec, asked: str) -> str:
    """Why a method cannot run on the device that was asked for; empty if it can, as far as is known without torch."""
    if "cpu" in method.devices:
        return ""
    if asked == "cpu":
        return f"{method.name} runs on {' and '.join(method.devices)} only, --device is cpu"
    return "" if _driver() else _no_gpu(method.name)


def choose_device(asked: str, method: MethodSpec) -> str:
    """Return the device to run on: `auto` takes the GPU where there is one and the method can use it.

    Raises:
        FwibenchError: The device that was asked for is not there.
        UnsuitableError: The method cannot use any device that is there.
    """
    device = find_device(asked)
    if device != "cpu" and "cuda" in method.devices:
        return device
    if "cpu" not in method.devices:
        raise UnsuitableError(device_refusal(method, asked) or _no_gpu(method.name))
    return "cpu"


def find_device(asked: str) -> str:
    """Return the device that was asked for: `auto` takes the GPU where there is one.

    Raises:
        FwibenchError: It is not there.
    """
    check_device(asked)
    import torch

    kind, there = asked.partition(":")[0], torch.cuda.is_available()
    if kind == "cuda" and not there:
        raise FwibenchError("--device cuda was asked for, but torch sees no GPU", "use --device cpu or auto")
    if kind == "cpu" or not there:
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
    """Makes a GPU the one that `cuda` without a number means in this process.

    Third-party code, GPU libraries and the description of the environment then use the same GPU as the method.
    """
    if device.startswith("cuda:"):
        import torch

        torch.cuda.set_device(device)


@cache
def _driver() -> bool:
    """Whether this machine has the driver of any GPU: without one torch finds none either."""
    for name in DRIVERS:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False
