"""Training on several devices: one process for each, started by Lightning Fabric for the duration of a fit.

Invariant: the processes share out the batches of one device, so that the sum of their gradients is that of the whole
batch. When `fit_on_devices` returns or raises, none of them is left.
"""

from __future__ import annotations

import copy
import dataclasses
import io
import logging
import os
import pickle
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any, Protocol, cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessExitedException

from fwibench.errors import MethodError
from fwibench.files.atomic import atomic_write
from fwibench.methods.context import RunContext
from fwibench.methods.precision import FABRIC
from fwibench.samples import Split
from fwibench.specs.method import FitPrecision

# Lightning's advice on the precision would contradict the option of that name
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)

VARIABLES = ("MASTER_ADDR", "MASTER_PORT", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "WORLD_SIZE")
"""Environment variables of a process group, which a scheduler may have set for its own."""
POLL_S = 0.1
"""Longest time between two looks for messages of the processes [s]."""


class Trainable(Protocol):
    """The part of `TorchMethod` that is needed here."""

    context: RunContext

    def train_on(self, fabric: Fabric, train: Split, val: Split) -> dict[str, Any]:
        """See `TorchMethod.train_on`."""

    def move_to(self, context: RunContext) -> None:
        """See `TorchMethod.move_to`."""


def make_fabric(context: RunContext, precision: FitPrecision) -> Fabric:
    """Return Lightning Fabric for the devices of a run; several devices need `fit_on_devices`."""
    accelerator, _, index = context.device.partition(":")
    # a batch system that runs this cell must not be taken for one that starts a process for each device
    common: dict[str, Any] = {
        "accelerator": accelerator,
        "precision": FABRIC[precision],
        "plugins": [LightningEnvironment()],
    }
    if context.devices == 1:
        return Fabric(devices=[int(index)] if index else 1, **common)
    first = int(index or 0)
    devices = context.devices if accelerator == "cpu" else list(range(first, first + context.devices))
    # a part of a GAN is evaluated several times before it learns, and its buffers must not change in between
    return Fabric(devices=devices, strategy=DDPStrategy(start_method="spawn", broadcast_buffers=False), **common)


class Peers:
    """The processes of a fit, of which this is one.

    Args:
        fabric: Launched Fabric.

    Attributes:
        size: Number of processes.
        rank: Number of this one, from 0; process 0 reports and writes checkpoints.
    """

    def __init__(self, fabric: Fabric) -> None:
        self.size, self.rank = fabric.world_size, fabric.global_rank
        self._fabric = fabric
        # questions that need no tensor of a GPU are settled without waiting for it
        self._hosts = torch.distributed.new_group(backend="gloo") if self.size > 1 else None

    def share(self, samples: int) -> slice:
        """Return the part of a batch that this process learns from; parts differ in size by one sample at most."""
        start, more = divmod(samples, self.size)
        first = self.rank * start + min(self.rank, more)
        return slice(first, first + start + (self.rank < more))

    def agree(self, flag: bool) -> bool:
        """Return whether the flag is set in any process."""
        if self.size == 1:
            return flag
        flags = torch.tensor(int(flag))
        torch.distributed.all_reduce(flags, torch.distributed.ReduceOp.MAX, group=self._hosts)
        return bool(flags)

    def total(self, values: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes."""
        if self.size == 1:
            return values
        return cast(Tensor, self._fabric.all_reduce(values, reduce_op="sum"))

    def synchronise(self, module: nn.Module) -> nn.Module:
        """Return a module with the same weights whose batch statistics on GPUs are those of all processes.

        PyTorch synchronises batch statistics on GPUs only; on a CPU each process has those of its own part.
        """
        if self.size == 1 or self._fabric.device.type == "cpu":
            return module
        shared = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
        # second derivatives, which the given module keeps, do not exist for synchronised statistics
        copied = copy.deepcopy(module, shared)
        return nn.SyncBatchNorm.convert_sync_batchnorm(copied)  # type: ignore[no-untyped-call]

    def average_buffers(self, module: nn.Module) -> None:
        """Replace running statistics by their mean over all processes."""
        if self.size > 1:
            for buffer in module.buffers():
                if buffer.is_floating_point():
                    buffer.copy_(self.total(buffer.clone()) / self.size)


def fit_on_devices(method: Trainable, fabric: Fabric, train: Split, val: Split) -> dict[str, Any]:
    """Train copies of a method in one process for each device.

    Args:
        method: Method to train, which stays as it is.
        fabric: Fabric of several devices.
        train: Training samples.
        val: Validation samples.

    Returns:
        What `train_on` of process 0 returned, on the CPU.

    Raises:
        MethodError: The method cannot be copied to another process, or a process ended early.
        Exception: The first error of a process.
    """
    context = method.context
    copied = _copy(method, train, val)
    result = context.workdir / "fit.pt"
    result.unlink(missing_ok=True)
    pipes = [torch.multiprocessing.get_context("spawn").Pipe(duplex=False) for _ in range(context.devices)]
    errors: list[tuple[float, Exception]] = []
    ended = threading.Event()
    listener = threading.Thread(
        target=_listen, args=([reader for reader, _ in pipes], ended, context, errors), daemon=True
    )
    listener.start()
    failure: ProcessExitedException | None = None
    try:
        with _without_variables():
            # the annotation of `launch` leaves out the arguments that it passes on
            fabric.launch(cast(Any, _fit_share), copied, [writer for _, writer in pipes])
    except ProcessExitedException as error:
        failure = error
    finally:
        ended.set()
        # a process that was killed may have left half a message, for which the thread would wait forever
        listener.join(10 * POLL_S)
        for connections in pipes:
            for connection in connections:
                connection.close()
    if errors:
        raise min(errors, key=lambda one: one[0])[1]
    if failure:
        how = f"signal {failure.signal_name}" if failure.signal_name else f"exit code {failure.exit_code}"
        raise MethodError(
            f"the process of device {failure.error_index + 1} of {context.devices} ended with {how} during the fit",
            "look at the cell's log; a process that is killed often needed more memory than there is",
        ) from failure
    try:
        outcome: dict[str, Any] = torch.load(result, map_location="cpu", weights_only=True)
    finally:
        result.unlink(missing_ok=True)
    return outcome


def _fit_share(fabric: Fabric, copied: bytes, writers: list[Any]) -> None:
    """Train in the process of one device."""
    send = writers[fabric.global_rank].send
    try:
        method, train, val = torch.load(io.BytesIO(copied), map_location=fabric.device, weights_only=False)
        report = send if fabric.is_global_zero else _ignore
        method.move_to(dataclasses.replace(method.context, device=str(fabric.device), on_report=report))
        outcome = method.train_on(fabric, train, val)
        if fabric.is_global_zero:
            with atomic_write(method.context.workdir / "fit.pt") as stream:
                torch.save(outcome, stream)
    except BaseException as error:
        traceback.print_exc()
        send((time.monotonic(), _portable(error)))
        # torch takes the end by KeyboardInterrupt for success
        sys.exit(1)
    torch.distributed.destroy_process_group()


def _copy(method: Trainable, train: Split, val: Split) -> bytes:
    # Fabric would search arguments for modules, which fails on the splits
    clone = copy.copy(method)
    clone.context = dataclasses.replace(method.context, on_report=_ignore)
    stream = io.BytesIO()
    try:
        torch.save((clone, train, val), stream)
    except Exception as error:
        raise MethodError(
            f"{type(method).__name__} cannot be copied to the processes of {method.context.devices} devices: {error}",
            "train it on one device, or keep functions without a name and open files out of its attributes",
        ) from error
    return stream.getvalue()


def _portable(error: BaseException) -> Exception:
    """Return an error that another process can read, the same one if possible."""
    try:
        same = pickle.loads(pickle.dumps(error))
        if isinstance(same, Exception):
            return same
    except Exception:
        traceback.print_exc()
    return MethodError(f"{type(error).__name__}: {error}")


def _listen(
    readers: list[Any], ended: threading.Event, context: RunContext, errors: list[tuple[float, Exception]]
) -> None:
    """Forward reports and collect errors of the processes until they have ended."""
    while True:
        last = ended.is_set()
        ready = wait(readers, 0 if last else POLL_S)
        for reader in cast(list[Any], ready):
            try:
                message = reader.recv()
                if isinstance(message, dict):
                    context.report(**message)
                else:
                    errors.append(message)
            except Exception as error:
                # a report that fails must not stop the reading, or the processes would wait for it
                errors.append((time.monotonic(), error))
                if isinstance(error, EOFError):
                    readers.remove(reader)
        if last and not ready:
            return


def _ignore(scalars: dict[str, float]) -> None:
    """Report to nobody; a lambda could not be copied to another process."""


@contextmanager
def _without_variables() -> Iterator[None]:
    """Hide variables of another process group, and remove those that Fabric sets."""
    before = {name: os.environ.pop(name) for name in VARIABLES if name in os.environ}
    try:
        yield
    finally:
        for name in VARIABLES:
            os.environ.pop(name, None)
        os.environ.update(before)
