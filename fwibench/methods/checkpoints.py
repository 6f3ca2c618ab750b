"""Checkpoints of a fit.

Invariant: a checkpoint file is complete, and a fit that continues from it ends with the same result as an uninterrupted
one.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import torch

from fwibench.files.atomic import atomic_write

SHARE = 0.05
"""Largest share of the time since the last checkpoint that writing one may take."""


class Checkpoints:
    """The checkpoint file of a fit, written so rarely that it costs at most `SHARE` of the time.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cost = 0.0
        self._saved_at = -float("inf")

    def offer(self, state: dict[str, Any]) -> None:
        """Write `state` if this is the first call or enough time has passed since the last checkpoint."""
        start = time.monotonic()
        if start - self._saved_at < self._cost / SHARE:
            return
        with atomic_write(self.path) as stream:
            torch.save(state, stream)
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - start

    def load(self) -> dict[str, Any] | None:
        """Return the last state that was written, on the CPU; None without a readable file."""
        if not self.path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:
            # a damaged checkpoint must not prevent the fit, which can start from the beginning
            sys.stderr.write(
                f"{self.path} cannot be read as a checkpoint, training starts from the beginning: {error}\n"
            )
            return None
        return state
