"""Store of samples: shards and their manifest.

Invariant: a shard is listed in the manifest only when both of its files are complete. Writers may be killed at any
moment; the next one makes the missing shards and changes nothing else. Any number of writers, on one machine or on
several with a common disk, may work on one folder: each locks the shard that it makes and the one that it writes, which
happens in a thread while the next one is made.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Set
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, StringConstraints, model_validator

from fwibench.datasets.base import Progress
from fwibench.errors import DataError
from fwibench.files.atomic import atomic_write, reading, sha256, write_text, writing
from fwibench.files.locks import BusyError, locked
from fwibench.files.states import content_hashes
from fwibench.problem import Frozen
from fwibench.samples import open_samples
from fwibench.typing import Array32

Sample = tuple[Array32, Array32]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
MARGIN = 1.05
"""Factor on the bytes of files for their headers and the file system."""
WAIT = 2.0
"""Time after which a waiting writer checks again [s]."""


class Shard(Frozen):
    """A pair of files."""

    measurements: FileName
    properties: FileName
    samples: int = Field(gt=0, le=2**31)
    sha256: dict[FileName, str]
    devices: tuple[str, ...] = Field(
        default=("cpu",), description="devices that the samples were computed on, in the order of their first samples"
    )
    growing: dict[str, str] = Field(
        default_factory=dict, description="SHA-256 of files with more samples that are about to replace these"
    )

    @property
    def files(self) -> tuple[str, str]:
        """Names of measurements and properties."""
        return self.measurements, self.properties

    def accepts(self, name: str, digest: str) -> bool:
        """Return whether a file of that name may have that SHA-256."""
        return digest in (self.sha256.get(name), self.growing.get(name))


class Manifest(Frozen):
    """Content of the folder of a dataset, with its origin."""

    dataset: str
    source: str
    version: str
    fingerprint: str
    seed: int
    measurement_shape: tuple[int, ...]
    property_shape: tuple[int, ...]
    measurement_unit: str
    property_unit: str
    shard_rows: int
    shards: dict[Annotated[int, Field(ge=0)], Shard] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_rows(self) -> Manifest:
        for number, shard in self.shards.items():
            if shard.samples > self.shard_rows:
                raise ValueError(f"shard {number} has {shard.samples} samples, expected {self.shard_rows} at most")
        return self


class Store:
    """A folder of shards `data{k}.npy` and `model{k}.npy` beside `manifest.json`.

    Args:
        folder: Folder of the shards.
        blank: Manifest of the empty folder; an existing manifest must agree with it.
    """

    def __init__(self, folder: Path, blank: Manifest) -> None:
        self.folder = folder
        self.blank = blank

    @property
    def rows(self) -> int:
        """Number of samples in a full shard."""
        return self.blank.shard_rows

    def manifest(self) -> Manifest:
        """Read the manifest; a folder without one is empty."""
        path = self.folder / "manifest.json"
        with reading(path, "a manifest", f"delete {self.folder} and prepare again"):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return self.blank
            found = Manifest.model_validate_json(content)
        if found.model_copy(update={"shards": {}}) != self.blank:
            raise DataError(
                f"{path} describes other data than {self.blank.dataset} {self.blank.fingerprint[:12]}",
                f"delete {self.folder} and prepare again",
            )
        return found

    def missing(self, n: int) -> list[int]:
        """Return the numbers of the shards that are missing or incomplete for `n` samples."""
        done = self._present()
        return [k for k in range(-(-n // self.rows)) if k not in done or done[k].samples < self._rows_of(k, n)]

    def changed(self, n: int) -> list[str]:
        """Return the names of files of the first `n` samples whose content differs from the manifest.

        Hashes are cached until the state of a file changes; see `fwibench.files.states`.
        """
        # a writer may have replaced files after the manifest was read, so a difference is checked twice
        return self._differing(n) and self._differing(n)

    def _differing(self, n: int) -> list[str]:
        shards = {k: shard for k, shard in self._present().items() if k * self.rows < n}
        expected = [(shard, name) for _, shard in sorted(shards.items()) for name in shard.files]
        digests = content_hashes(self.folder / name for _, name in expected)
        return [
            name for (shard, name), digest in zip(expected, digests, strict=True) if not shard.accepts(name, digest)
        ]

    def _present(self) -> dict[int, Shard]:
        """Shards of the manifest whose files exist."""
        shards = self.manifest().shards
        there = {entry.name for entry in os.scandir(self.folder)} if shards else set()
        return {k: shard for k, shard in shards.items() if there.issuperset(shard.files)}

    def grow(self, n: int, make: Callable[[range], Iterable[Sample]], progress: Progress, device: str = "cpu") -> None:
        """Make the missing ones of the first `n` samples; returns when all exist, whichever process made them.

        A shard is written while the next one is made, so that at most two are in memory.

        Args:
            n: Number of samples.
            make: Yields `(measurement, property)` for each sample of a range, in order.
            progress: Called with the number of samples done and of all samples.
            device: Name of the device that computes the samples, for the manifest.

        Raises:
            DataError: The disk has too little space; nothing was written.
        """
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        check_room(self.folder, self.missing_bytes(n), self.blank.dataset)
        progress(self.done(n), n)
        while missing := self.missing(n):
            claimed = False
            with _Background() as background:
                for number in missing:
                    with ExitStack() as claim:
                        mine = claim.enter_context(self._claim(number, wait=0))
                        claimed = claimed or mine
                        if mine and number in self.missing(n):
                            others = self.done(n, {number, background.shard}) + self._rows_of(background.shard, n)
                            samples = self._make(number, n, make, progress, others)
                            background.start(number, partial(self._add, number, samples, device), claim.pop_all())
            if not claimed:
                with self._claim(missing[0], wait=WAIT):
                    pass
            progress(self.done(n), n)

    @contextmanager
    def _claim(self, number: int, wait: float) -> Iterator[bool]:
        """Lock a shard; yields False if another writer still holds it after `wait` seconds."""
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.folder / f".shard{number}.lock", wait))
                mine = True
            except BusyError:
                mine = False
            yield mine

    def _make(
        self, number: int, n: int, make: Callable[[range], Iterable[Sample]], progress: Progress, others: int
    ) -> Sample:
        """Return measurements and properties of a complete shard; temporary files of a killed writer are removed.

        Args:
            number: Number of the shard, of which a part may exist.
            n: Number of samples in all.
            make: See `grow`.
            progress: See `grow`.
            others: Number of samples of other shards that exist or are being written.
        """
        for name in (f"data{number}.npy", f"model{number}.npy"):
            for left in (f".{name}.*.tmp", f".{name}.new", f"..{name}.new.*.tmp"):
                for path in self.folder.glob(left):
                    path.unlink(missing_ok=True)
        shard = self._present().get(number)
        measurements, properties = self._read(shard) if shard else ([], [])
        first = number * self.rows
        for measurement, property_map in make(range(first + len(properties), first + self._rows_of(number, n))):
            measurements.append(measurement)
            properties.append(property_map)
            progress(others + len(properties), n)
        return np.stack(measurements), np.stack(properties)

    def _rows_of(self, number: int | None, n: int) -> int:
        """Number of samples of a shard if there are `n` in all; 0 for no shard."""
        return 0 if number is None else min(self.rows, n - number * self.rows)

    def done(self, n: int, without: Set[int | None] = frozenset()) -> int:
        """Return the number of the first `n` samples that exist, leaving out those of some shards."""
        shards = self._present().items()
        return sum(
            min(shard.samples, self._rows_of(k, n)) for k, shard in shards if k * self.rows < n and k not in without
        )

    def _read(self, shard: Shard) -> tuple[list[Array32], list[Array32]]:
        measurements, properties = (
            open_samples(self.folder / name, shape, shard.samples)
            for name, shape in (
                (shard.measurements, self.blank.measurement_shape),
                (shard.properties, self.blank.property_shape),
            )
        )
        return list(measurements[: shard.samples]), list(properties[: shard.samples])

    def _add(self, number: int, samples: Sample, device: str) -> None:
        """Write a shard, which replaces one with fewer samples."""
        names = {"measurements": f"data{number}.npy", "properties": f"model{number}.npy"}
        complete = {name: self.folder / f".{name}.new" for name in names.values()}
        digests = {}
        for (name, path), array in zip(complete.items(), samples, strict=True):
            with atomic_write(path) as stream:
                np.save(stream, array.astype(np.float32, copy=False))
            digests[name] = sha256(path)
        # readers, and the next writer if this one is killed here, must not take the larger files for damaged
        devices: tuple[str, ...] = ()
        if smaller := self._present().get(number):
            devices = smaller.devices
            self._enter(number, smaller.model_copy(update={"growing": digests}))
        for name, path in complete.items():
            with writing(self.folder / name):
                os.replace(path, self.folder / name)
        devices = tuple(dict.fromkeys((*devices, device)))
        self._enter(number, Shard(**names, samples=len(samples[0]), sha256=digests, devices=devices))

    def _enter(self, number: int, shard: Shard) -> None:
        """Write a shard into the manifest."""
        with locked(self.folder / ".lock"):
            manifest = self.manifest()
            grown = manifest.model_copy(update={"shards": {**manifest.shards, number: shard}})
            write_text(self.folder / "manifest.json", grown.model_dump_json(indent=1, exclude_defaults=True))

    def missing_bytes(self, n: int) -> int:
        """Return the disk space of the missing ones of the first `n` samples [bytes]."""
        sample = sum(math.prod(shape) * 4 for shape in (self.blank.measurement_shape, self.blank.property_shape))
        return (n - self.done(n)) * sample

    def damaged(self) -> list[str]:
        """Return the names of files that are absent or changed since they were made."""
        return [
            name
            for shard in self.manifest().shards.values()
            for name in shard.files
            if not shard.accepts(name, _digest(self.folder / name))
        ]


class _Background:
    """Writes one shard at a time in a thread; the shard's claim is released in the thread that entered the context.

    Attributes:
        shard: Number of the shard that is being written; None: none.
    """

    def __init__(self) -> None:
        self.shard: int | None = None
        self._pool = ThreadPoolExecutor(1)
        self._claim = ExitStack()
        self._written: Future[None] | None = None

    def __enter__(self) -> _Background:
        return self

    def start(self, shard: int, write: Callable[[], None], claim: ExitStack) -> None:
        """Start to write a shard after the previous one is written.

        Args:
            shard: Number of the shard.
            write: Writes it.
            claim: Is closed when it is written.
        """
        with claim:
            self._finish()
            self.shard, self._written, self._claim = shard, self._pool.submit(write), claim.pop_all()

    def _finish(self) -> None:
        written, self.shard, self._written = self._written, None, None
        with self._claim:
            if written:
                written.result()

    def __exit__(self, *error: object) -> None:
        with self._pool:
            self._finish()


def check_room(folder: Path, size: float, what: str) -> None:
    """Check that a disk has room for files that are about to be written.

    Args:
        folder: Existing folder that receives the files.
        size: Their bytes; a margin is added for headers and the file system.
        what: What needs the room, for the message.

    Raises:
        DataError: Too little is free.
    """
    needed, free = MARGIN * size, shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{what} needs {needed / 1e9:.2f} GB in {folder}, {free / 1e9:.2f} GB are free",
            "make room, or point FWIBENCH_DATA at a larger disk",
        )


def _digest(path: Path) -> str:
    """SHA-256 of a file; empty if it cannot be read."""
    try:
        return sha256(path)
    except OSError:
        return ""
