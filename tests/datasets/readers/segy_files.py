"""SEG-Y files for tests, with any headers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import segyio
from segyio import BinField, TraceField


def write_traces(
    path: Path,
    traces: np.ndarray,
    headers: Mapping[TraceField, Any] | None = None,
    binary: Mapping[BinField, int] | None = None,
    sample_format: int = 5,
    endian: str = "big",
) -> Path:
    """Write traces `(N, T)`.

    Args:
        path: The file.
        traces: Amplitudes.
        headers: A value for all traces, or one for each; fields that are not named are 0.
        binary: Fields of the binary header; an interval of 1000 us where it is not named.
        sample_format: 1 for IBM floats, 5 for IEEE floats.
        endian: `big` or `little`.
    """
    spec = segyio.spec()
    spec.format = sample_format
    spec.endian = endian
    spec.samples = np.arange(traces.shape[1])
    spec.tracecount = len(traces)
    with segyio.create(str(path), spec) as file:
        file.bin.update({BinField.Interval: 1000, **(binary or {})})
        for i, trace in enumerate(traces):
            fields = {
                field: int(value[i] if isinstance(value, Sequence | np.ndarray) else value)
                for field, value in (headers or {}).items()
            }
            file.header[i] = fields
            file.trace[i] = np.ascontiguousarray(trace, np.float32)
    return path


def survey_headers(
    source_x: Sequence[float], receiver_x: np.ndarray, scalar: int = 1, **more: Any
) -> dict[TraceField, Any]:
    """Headers of shots with places along X.

    Args:
        source_x: Of each shot [m].
        receiver_x: `(R,)` for all shots, or `(shots, R)` [m].
        scalar: Written in byte 71; coordinates are multiplied or divided accordingly.
        more: Further fields by name.
    """
    shots = len(source_x)
    receivers = np.broadcast_to(receiver_x, (shots, np.shape(receiver_x)[-1]))
    count = receivers.shape[1]
    times = -scalar if scalar < 0 else 1 / (scalar or 1)
    found = {
        TraceField.FieldRecord: np.repeat(np.arange(1, shots + 1), count),
        TraceField.TraceNumber: np.tile(np.arange(1, count + 1), shots),
        TraceField.TraceIdentificationCode: 1,
        TraceField.SourceGroupScalar: scalar,
        TraceField.CoordinateUnits: 1,
        TraceField.SourceX: np.rint(np.repeat(source_x, count) * times).astype(int),
        TraceField.GroupX: np.rint(receivers.ravel() * times).astype(int),
    }
    return found | {getattr(TraceField, name): value for name, value in more.items()}
