"""The global state of a process, as values that can be compared.

Invariant: reading the state changes and imports nothing; the state of torch is read only if torch has been imported.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
import warnings
from typing import Any

import numpy as np

IMPORTED_AS = {"torch default dtype": "torch.float32", "torch grad mode": True, "torch deterministic algorithms": False}
"""State of torch after its import."""
CHANGED_BY_IMPORTS = (
    "environment",
    "warning filters",
    "numpy random state",
    "python random state",
    "torch random state",
)
"""State that libraries such as scikit-learn change when they are imported."""


def global_state() -> dict[str, Any]:
    """Return the global state by name."""
    state: dict[str, Any] = {
        "working directory": os.getcwd(),
        "umask": _umask(),
        "handler of SIGINT": repr(signal.getsignal(signal.SIGINT)),
        "handler of SIGTERM": repr(signal.getsignal(signal.SIGTERM)),
        "environment": dict(os.environ),
        "warning filters": [repr(entry) for entry in warnings.filters],
        "numpy error state": np.geterr(),
        "numpy random state": _digest(np.random.get_state()),
        "python random state": _digest(random.getstate()),
        "standard output": id(sys.stdout),
    }
    if "torch" in sys.modules:
        state |= _torch_state()
    return state


def disturb(seed: int) -> None:
    """Set the global random generators to a state that differs from that of a new process."""
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(seed)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return descriptions of the differences between two states."""
    found = []
    for name, was in before.items():
        now = after[name]
        if now == was:
            continue
        if isinstance(was, dict):
            changed = sorted(key for key in {*was, *now} if was.get(key) != now.get(key))
            found.append(f"{name} ({', '.join(changed)})")
        elif isinstance(was, list) or name.endswith("state"):
            found.append(name)
        else:
            found.append(f"{name} ({was} before, {now} after)")
    return found


def _torch_state() -> dict[str, Any]:
    import torch

    return {
        "torch default dtype": str(torch.get_default_dtype()),
        "torch grad mode": torch.is_grad_enabled(),
        "torch deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch threads": torch.get_num_threads(),
        "torch random state": _digest(torch.get_rng_state().tolist()),
        "cuDNN benchmark": torch.backends.cudnn.benchmark,
        "cuDNN deterministic": torch.backends.cudnn.deterministic,
        "cuDNN TF32": torch.backends.cudnn.allow_tf32,
        "TF32 of matrix products": torch.backends.cuda.matmul.allow_tf32,
    }


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _digest(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()
