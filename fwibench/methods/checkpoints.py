"""Saving a fit often enough, and no more.

Invariant: a checkpoint file is whole, and a fit that goes on from it ends as one that was never stopped.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import torch

from fwibench.files.atomic import atomic_write

SHARE = 0.05


class Checkpoints:
    """One checkpoint file, rewritten as the fit proceeds.

    The first call to `offer` saves; after that a save must not take more than a twentieth of the time
    since the last one, whatever the network's size and the disk's speed.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cost = 0.0
        self._saved_at = -float("inf")

    def offer(self, state: dict[str, Any]) -> None:
        """Saves `state` if it is time to."""
        start = time.monotonic()
        if start - self._saved_at < self._cost / SHARE:
            return
        with atomic_write(self.path) as stream:
            torch.save(state, stream)
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - start

    def load(self) -> dict[str, Any] | None:
        """The last state that was saved, on the CPU; None if there is none."""
        if not self.path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:
            # it is the work of an attempt that was cut short; one that cannot be read is none
            sys.stderr.write(f"{self.path} cannot be read as a checkpoint, training starts anew: {error}\n")
            return None
        return state
