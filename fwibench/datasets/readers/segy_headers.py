"""Headers of a SEG-Y file, in metres and seconds.

Byte numbers are those of the SEG-Y standard (revision 1, SEG Technical Standards Committee 2002), counted from 1.

Invariant: a header that is not filled in (zero) is never used as a value, and contradicting headers are an error or a
note.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from fwibench.errors import DataError
from fwibench.typing import Array64, Indices

SUFFIXES = (".segy", ".sgy")
TEXT_BYTES, BINARY_BYTES, TRACE_BYTES = 3200, 400, 240
SAMPLE_BYTES = {1: 4, 2: 4, 3: 2, 5: 4, 8: 1, 10: 4, 11: 2, 16: 1}
"""Bytes of a sample by format code (byte 3225), for the formats that segyio reads: IBM and IEEE floats, integers."""
FOOT = 0.3048
"""Length of a foot [m]."""
LIVE = (-1, 0, 1, *range(11, 18))
"""Trace identification codes (byte 29) of seismic traces: other, not filled in, seismic, and the kinds of sensors."""
DEAD = (2, 3)
"""Codes of dead and dummy traces."""
SCALARS = (0, 1, 10, 100, 1000, 10000)
"""Absolute values of scalars in the standard."""


@dataclass(frozen=True)
class Headers:
    """Headers of all traces of a file, `N` of them.

    Attributes:
        record: Field record number (byte 9), `(N,)`.
        energy: Energy source point number (byte 17), `(N,)`.
        number: Trace number within the field record (byte 13), `(N,)`.
        code: Trace identification code (byte 29), `(N,)`.
        source: X and Y of the source (bytes 73, 77) [m], `(N, 2)`.
        group: X and Y of the receiver group (bytes 81, 85) [m], `(N, 2)`.
        cdp: X and Y of the ensemble (bytes 181, 185) [m], `(N, 2)`.
        offset: Distance from source to receiver (byte 37) [m], `(N,)`.
        source_height: Elevation of the source (byte 45) less its depth (byte 49) [m], positive upwards, `(N,)`.
        group_height: Elevation of the receiver group (byte 41) [m], positive upwards, `(N,)`.
        delay: Time of the first sample after the shot (byte 109) [s], `(N,)`.
        intervals: Sample intervals of the binary header (byte 3217) and of the traces (byte 117) that are filled in
            [us], or [mm] for depth sections.
        notes: Notes on assumptions.
    """

    record: Indices
    energy: Indices
    number: Indices
    code: Indices
    source: Array64
    group: Array64
    cdp: Array64
    offset: Array64
    source_height: Array64
    group_height: Array64
    delay: Array64
    intervals: tuple[tuple[int, ...], tuple[int, ...]]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.record)

    def sample_interval(self, path: Path, stated: float | None = None) -> tuple[float, list[str]]:
        """Return the sample interval [s], 0 where no header has it, and notes.

        Args:
            path: Path of the file, for messages.
            stated: Value of the user, which decides between contradicting headers.

        Raises:
            DataError: The headers contradict each other, and the user does not decide.
        """
        binary, traces = self.intervals
        if len(traces) > 1:
            raise DataError(
                f"{path}: traces have different sample intervals (byte 117): "
                f"{', '.join(f'{one / 1e6:g} s' for one in traces[:4])}",
                "resample them to one interval",
            )
        if not binary or not traces or binary == traces:
            return (binary or traces or (0,))[0] / 1e6, []
        what = f"a sample interval of {binary[0] / 1e6:g} s (byte 3217), its traces of {traces[0] / 1e6:g} s (byte 117)"
        if stated is not None and any(abs(one[0] / 1e6 - stated) < 1e-6 for one in (binary, traces)):
            return stated, [f"the binary header has {what}; taken: {stated:g} s, as --dt says"]
        raise DataError(f"{path}: the binary header has {what}", "give the right one with --dt")


def segyio() -> ModuleType:
    """Return the package segyio.

    Raises:
        DataError: It is not installed.
    """
    try:
        import segyio as library
    except ImportError as error:
        raise DataError("SEG-Y files need the package segyio", "pip install 'fwibench[segy]'") from error
    found: ModuleType = library
    return found


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a SEG-Y file of either byte order.

    Yields:
        segyio's file, without a geometry.

    Raises:
        ValueError: The file is no SEG-Y file, is cut short, or has samples of a format that is not read.
        DataError: segyio is not installed, or traces have different lengths.
    """
    library = segyio()
    order = check_size(path)
    with library.open(path, ignore_geometry=True, endian={">": "big", "<": "little"}[order]) as file:
        yield file


def check_size(path: Path) -> str:
    """Return the byte order of a SEG-Y file, `>` or `<`, after checking that its traces are whole.

    Raises:
        ValueError: The file is no SEG-Y file, is cut short, or has samples of a format that is not read.
        DataError: The first trace has another number of samples than the binary header says.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(TEXT_BYTES + BINARY_BYTES)
        if len(head) < TEXT_BYTES + BINARY_BYTES:
            raise ValueError(f"{size} bytes found, a SEG-Y file has headers of {TEXT_BYTES + BINARY_BYTES} bytes")
        orders = {order: struct.unpack_from(f"{order}h", head, 3224)[0] for order in (">", "<")}
        order = next((order for order, code in orders.items() if code in SAMPLE_BYTES), "")
        if not order:
            raise ValueError(
                f"format code {orders['>']} found (byte 3225), read are {', '.join(map(str, SAMPLE_BYTES))}: "
                "IBM and IEEE floats of four bytes, and integers"
            )
        samples = struct.unpack_from(f"{order}H", head, 3220)[0]
        extended = max(struct.unpack_from(f"{order}h", head, 3504)[0], 0)
        begin = TEXT_BYTES * (1 + extended) + BINARY_BYTES
        stream.seek(begin)
        first = stream.read(TRACE_BYTES)
    if len(first) < TRACE_BYTES:
        raise ValueError(f"no trace found in {size} bytes")
    first_length = struct.unpack_from(f"{order}H", first, 114)[0]
    if first_length and samples and first_length != samples:
        raise DataError(
            f"{path}: the first trace has {first_length} samples (byte 115), the binary header says {samples} "
            "(byte 3221)",
            "correct the headers; traces of different lengths are not read",
        )
    length = TRACE_BYTES + SAMPLE_BYTES[orders[order]] * samples
    whole, rest = divmod(size - begin, length)
    if not samples:
        raise ValueError("the binary header says 0 samples a trace (byte 3221)")
    if rest:
        raise ValueError(f"{whole} whole traces of {samples} samples found and {rest} bytes of another ({length} each)")
    return order


def read_headers(file: Any, path: Path) -> Headers:
    """Read the headers of all traces.

    Args:
        file: segyio's file.
        path: Path of the file, for messages.

    Raises:
        DataError: Traces have different numbers of samples.
    """
    field, binary = segyio().TraceField, segyio().BinField
    notes: list[str] = []

    def read(one: Any) -> Indices:
        return np.asarray(file.attributes(one)[:], np.int64)

    # 16 bits without a sign: segyio reads them with one
    counts = _filled(read(field.TRACE_SAMPLE_COUNT) & 0xFFFF)
    if set(counts) - {len(file.samples)}:
        raise DataError(
            f"{path}: traces have {counts[0]} to {counts[-1]} samples (byte 115), expected {len(file.samples)} in all",
            "correct the headers; traces of different lengths are not read",
        )
    length = FOOT if file.bin[binary.MeasurementSystem] == 2 else 1.0
    if length == FOOT:
        notes.append("lengths in the headers are in feet (byte 3255) and are converted to metres")
    code = read(field.TraceIdentificationCode)
    # headers of auxiliary traces do not describe the survey
    seismic = np.isin(code, (*LIVE, *DEAD))
    if not seismic.any():
        seismic[:] = True
    units = set(_filled(read(field.CoordinateUnits)[seismic]))
    plain = _scale(read(field.SourceGroupScalar), "coordinates (byte 71)", notes) * length
    heights = _scale(read(field.ElevationScalar), "elevations and depths (byte 69)", notes) * length
    source, group, cdp = (
        np.stack([read(x), read(y)], axis=1) * plain[:, None]
        for x, y in (
            (field.SourceX, field.SourceY),
            (field.GroupX, field.GroupY),
            (field.CDP_X, field.CDP_Y),
        )
    )
    if units - {1}:
        if source.any() or group.any() or cdp.any():
            notes.append(
                f"coordinates in the headers are angles (code {min(units - {1})} in byte 89) and are not used: project "
                "them to metres, or give --source-x and --receiver-x"
            )
        source, group, cdp = source * 0, group * 0, cdp * 0
    times = np.abs(_scale(read(field.ScalarTraceHeader), "times (byte 215)", notes))
    interval = int(file.bin[binary.Interval]) & 0xFFFF
    return Headers(
        record=read(field.FieldRecord),
        energy=read(field.EnergySourcePoint),
        number=read(field.TraceNumber),
        code=code,
        source=source,
        group=group,
        cdp=cdp,
        offset=read(field.offset).astype(np.float64) * length,
        source_height=(read(field.SourceSurfaceElevation) - read(field.SourceDepth)) * heights,
        group_height=read(field.ReceiverGroupElevation) * heights,
        delay=read(field.DelayRecordingTime) * times / 1e3,
        intervals=(
            (interval,) if interval else (),
            tuple(_filled(read(field.TRACE_SAMPLE_INTERVAL)[seismic] & 0xFFFF)),
        ),
        notes=tuple(notes),
    )


def _filled(values: Indices) -> list[int]:
    """Values that are filled in, each once, sorted."""
    return [int(value) for value in np.unique(values) if value]


def _scale(scalars: Indices, what: str, notes: list[str]) -> Array64:
    """Factors of scalars: a positive one multiplies, a negative one divides, 0 is not filled in."""
    if odd := [scalar for scalar in _filled(scalars) if abs(scalar) not in SCALARS]:
        notes.append(f"the scalar of {what} is {odd[0]}, which is not in the standard; it is applied nevertheless")
    positive = np.where(scalars > 0, scalars, 1).astype(np.float64)
    return np.where(scalars < 0, -1.0 / np.where(scalars < 0, scalars, 1), positive)
