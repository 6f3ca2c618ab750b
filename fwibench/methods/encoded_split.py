"""Network inputs and normalised targets of a split, kept on the device or read ahead of training.

Invariant: a batch has the same values wherever its samples are kept and whichever thread reads them. The samples in
memory are those of the batch in use and of the next `AHEAD` ones, or what is kept on the device.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fwibench.methods.batches import even_batches
from fwibench.problem import Property
from fwibench.samples import Split
from fwibench.typing import Array32, Indices

AHEAD = 2
"""Batches that are read while another one is in use; the second evens out reads of different duration."""
PINNED_BYTES = 2**31
"""Most pinned memory of a split, which the system cannot swap out [bytes]; larger batches are copied from pageable
memory."""
SHARE = 0.25
"""Share of the free memory of a GPU that splits may occupy. Keeping a split takes twice its size for a moment, and
weights, optimiser and activations need the rest."""

Batch = tuple[Tensor, Tensor]
Encode = Callable[[Array32 | Tensor], Tensor]
"""Turns raw measurements `(n, S, T, R)` into network inputs on the device of training."""
EncodeSplit = Callable[[Split, int], Tensor]
"""Returns the network inputs of all samples of a split, of which it encodes some at once."""


class HostRows(NamedTuple):
    """Samples of a batch in host memory.

    Attributes:
        rows: Their numbers in the split.
        measurements: Raw measurements; None if the inputs are kept on the device.
        properties: Properties in physical units; None if the targets are kept on the device.
    """

    rows: Indices
    measurements: Tensor | None
    properties: Tensor | None


def spare_memory(device: torch.device) -> int:
    """Return the number of bytes that splits may occupy on a device.

    It is 0 on a CPU: the system keeps the files of a split in its page cache as long as nothing else needs the memory.
    """
    if device.type != "cuda":
        return 0
    free, _ = torch.cuda.mem_get_info(device)
    cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(SHARE * (free + cached))


class EncodedSplit:
    """Network inputs and normalised targets of a split.

    Args:
        split: The samples.
        encode: See `Encode`.
        target: The property, whose bounds normalise the targets.
        device: Device of the targets.
        chunk: Number of samples encoded at once to keep the inputs of the whole split in memory; None: every batch is
            encoded when it is loaded.
        encode_split: Encodes a whole split; None: by `encode`.
    """

    def __init__(
        self,
        split: Split,
        encode: Encode,
        target: Property,
        device: torch.device,
        chunk: int | None = None,
        encode_split: EncodeSplit | None = None,
    ) -> None:
        self.split = split
        self._encode, self._target, self._device = encode, target, device
        self._encode_split = encode_split or partial(encode_in_chunks, encode)
        self._inputs: Tensor | None = None
        self._targets: Tensor | None = None
        self._inputs_stay = chunk is not None
        if chunk is not None:
            self._inputs = self._encode_split(split, chunk)

    def __len__(self) -> int:
        return len(self.split)

    def keep(self, budget: int, chunk: int) -> int:
        """Keep inputs and targets of all samples on the device, if they fit.

        Args:
            budget: Largest number of bytes.
            chunk: Number of samples that are read and encoded at once.

        Returns:
            Number of bytes they occupy; 0 if they do not fit.
        """
        if budget <= 0:
            return 0
        first = self.read(np.arange(1))
        needed = len(self) * sum(
            one.nbytes for one, kept in zip(first, (self._inputs, self._targets), strict=True) if kept is None
        )
        if needed > budget:
            return 0
        if self._inputs is None:
            self._inputs = self._encode_split(self.split, chunk)
        if self._targets is None:
            chunks = even_batches(np.arange(len(self)), chunk)
            self._targets = torch.cat([self._normalise(self._read_properties(rows)) for rows in chunks])
        return needed

    def release(self) -> bool:
        """Free what `keep` put on the device; return whether there was anything."""
        kept = self._targets is not None
        self._targets = None
        if not self._inputs_stay:
            self._inputs = None
        return kept

    def fetch(self, rows: Indices, *, pin: bool = False) -> HostRows:
        """Read what is not kept on the device of some rows; may be called in another thread.

        Args:
            rows: Numbers of the samples, `(n,)`.
            pin: Whether to read into pinned memory, from which a GPU copies without the host waiting.
        """
        measurements = None if self._inputs is not None else torch.from_numpy(self.split.measurements[rows])
        properties = None if self._targets is not None else self._read_properties(rows)
        if pin:
            # torch reuses pinned memory that was freed once the copies from it have ended
            measurements, properties = (None if one is None else one.pin_memory() for one in (measurements, properties))
        return HostRows(rows, measurements, properties)

    def load(self, host: HostRows, part: slice = slice(None)) -> Batch:
        """Return inputs `(n, ...)` and normalised targets `(n, 1, Z, X)` on the device.

        Args:
            host: What `fetch` returned.
            part: Which of its rows.
        """
        rows = host.rows[part]
        if host.measurements is not None:
            inputs = self._encode(host.measurements[part])
        elif self._inputs is not None:
            inputs = self._gather(self._inputs, rows)
        else:
            # released since the rows were fetched
            return self.read(rows)
        if host.properties is not None:
            return inputs, self._normalise(host.properties[part])
        if self._targets is not None:
            return inputs, self._gather(self._targets, rows)
        return self.read(rows)

    def read(self, rows: Indices) -> Batch:
        """Return inputs `(n, ...)` and normalised targets `(n, 1, Z, X)` of some rows."""
        return self.load(self.fetch(rows))

    def ahead(self, batches: Iterable[Indices]) -> Generator[HostRows, None, None]:
        """Yield the samples of batches; a thread reads the next ones in the meantime.

        Close the generator to end the thread before the last batch.
        """
        if self._inputs is not None and self._targets is not None:
            yield from map(self.fetch, batches)
            return
        waiting: deque[Future[HostRows]] = deque()
        with ThreadPoolExecutor(1, "read-ahead", self._select_device) as reader:
            try:
                for rows in batches:
                    waiting.append(reader.submit(self.fetch, rows, pin=self._pins(len(rows))))
                    if len(waiting) > AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                reader.shutdown(cancel_futures=True)

    def _select_device(self) -> None:
        # pinning memory in a thread would occupy memory of the first GPU otherwise
        if self._device.type == "cuda":
            torch.cuda.set_device(self._device)

    def _pins(self, rows: int) -> bool:
        """Return whether batches of a size are read into pinned memory."""
        if self._device.type != "cuda":
            return False
        arrays = ((self._inputs, self.split.measurements), (self._targets, self.split.properties))
        sizes = (4 * rows * int(np.prod(array.shape[1:])) for kept, array in arrays if kept is None)
        # torch rounds pinned memory up to a power of two; one more batch may still be in the copy
        return (AHEAD + 2) * sum(1 << (size - 1).bit_length() for size in sizes) <= PINNED_BYTES

    def _gather(self, kept: Tensor, rows: Indices) -> Tensor:
        return kept[torch.from_numpy(rows).to(self._device, non_blocking=True)]

    def _read_properties(self, rows: Indices) -> Tensor:
        return torch.from_numpy(self.split.properties[rows])

    def _normalise(self, properties: Tensor) -> Tensor:
        return self._target.normalise(properties.to(self._device, non_blocking=True))


def encode_in_chunks(encode: Encode, split: Split, chunk: int) -> Tensor:
    """Return the network inputs of all samples of a split.

    Args:
        encode: Encodes some samples.
        split: The samples.
        chunk: Number of samples encoded at once.
    """
    chunks = even_batches(np.arange(len(split)), chunk)
    return torch.cat([encode(torch.from_numpy(split.measurements[rows])) for rows in chunks])
