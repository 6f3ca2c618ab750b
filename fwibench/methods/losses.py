"""Checks that the losses of a fit are finite.

Invariant: the first invalid loss raises the same error however often losses are read, and in every process of a fit.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fwibench.errors import DivergedError
from fwibench.methods.distributed import Peers


def checks_each_step(device: torch.device) -> bool:
    """Return whether reading a loss costs nothing, so that every step checks it.

    Reading it from a GPU would wait for all computations so far; there the losses of an epoch are read at its end.
    """
    return device.type == "cpu"


class LossChecks:
    """Checks of the losses of a fit.

    Args:
        device: Device of the losses.
        peers: Processes of the fit.
    """

    def __init__(self, device: torch.device, peers: Peers) -> None:
        self._peers = peers
        self._at_once = checks_each_step(device)
        self._waiting: list[tuple[str, int, int, Tensor]] = []

    def add(self, part: str, step: int, epoch: int, loss: Tensor) -> None:
        """Check a loss, or keep it for `read`.

        Args:
            part: Name of the part that learns.
            step: Number of the batch in the fit.
            epoch: Number of finished epochs.
            loss: Scalar loss.

        Raises:
            DivergedError: It is not finite.
        """
        if not self._at_once:
            self._waiting.append((part, step, epoch, loss.detach()))
        elif not torch.isfinite(loss):
            raise _diverged(part, step, epoch, loss.item())

    def read(self) -> None:
        """Read the kept losses from the device at once, and raise `DivergedError` for the first invalid one."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        # the mean over the devices is invalid if the loss of one of them is, so that all raise the same error
        found = self._peers.total(torch.stack([loss for *_, loss in waiting]) / self._peers.size)
        for (part, step, epoch, _), loss in zip(waiting, found.tolist(), strict=True):
            if not math.isfinite(loss):
                raise _diverged(part, step, epoch, loss)


def _diverged(part: str, step: int, epoch: int, loss: float) -> DivergedError:
    return DivergedError(
        f"loss of the {part} is {loss} at step {step} (epoch {epoch})",
        "lower the learning rate, or look at the history in the cell's log",
    )
