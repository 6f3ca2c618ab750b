"""Shots of a SEG-Y file: traces of each shot, with positions and time axis.

Invariant: all shots have the same number of traces, the time axis starts with the shot, and every conclusion from
headers is in the notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fwibench.datasets.readers.segy_headers import DEAD, LIVE, Headers, opened, read_headers
from fwibench.datasets.readers.segy_positions import MapPositions, find_positions, sort_receivers
from fwibench.errors import DataError
from fwibench.typing import Array32, Array64, Indices

IGNORE_HEADERS = "correct the headers; fwibench data add ignores positions, delays and codes with --no-headers"
"""Advice on headers that cannot be right."""


@dataclass(frozen=True)
class Shots:
    """Traces of a file, sorted by shot.

    Attributes:
        traces: `(shots, T, R)`, float32; the first time sample is at the time of the shot.
        step: Time step [s]; 0 where neither the file nor the user gives it.
        positions: Positions of the shots; None if the headers have none.
        notes: Notes on what was used, assumed and left out.
    """

    traces: Array32
    step: float
    positions: MapPositions | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TraceOptions:
    """Values that the user gives; they decide where headers do not.

    Attributes:
        step: Time step [s].
        sources: Number of shots in a sample.
        receivers: Number of traces in a shot.
        headers: Whether positions, delays and trace codes of the headers are used.
    """

    step: float | None = None
    sources: int | None = None
    receivers: int | None = None
    headers: bool = True


def read_shots(path: Path, given: TraceOptions | None = None) -> Shots:
    """Read the shots of a file.

    Auxiliary traces are left out, dead ones are set to 0, and traces that start late or early are shifted so that the
    first sample is at the time of the shot.

    Args:
        path: A SEG-Y file.
        given: Values of the user.

    Raises:
        DataError: Shots have different numbers of traces, or headers contradict each other.
        ValueError: The file cannot be read; see `opened`.
    """
    given = given or TraceOptions()
    with opened(path) as file:
        headers = read_headers(file, path)
        traces = np.asarray(file.trace.raw[:], np.float32)
    notes = list(headers.notes)
    if given.headers:
        step, new_notes = headers.sample_interval(path, given.step)
    else:
        step, new_notes = given.step or headers.sample_interval(path)[0], []
    notes += new_notes
    kept = np.arange(len(headers))
    if given.headers:
        kept, dead, new_notes = choose_traces(headers.code, path)
        traces[dead] = 0
        notes += new_notes
    order, new_notes = sort_shots(headers, kept, given, path)
    notes += new_notes
    rows = order.ravel()
    gathers = traces[rows]
    if given.headers and headers.delay[rows].any():
        gathers, new_notes = start_at_shot(gathers, headers.delay[rows], step or given.step or 0.0, path)
        notes += new_notes
    positions, new_notes = find_positions(headers, order) if given.headers else (None, [])
    if positions is not None and (sorted_ := sort_receivers(positions)) is not None:
        each = np.arange(len(order))[:, None]
        gathers = gathers.reshape(*order.shape, -1)[each, sorted_].reshape(len(rows), -1)
        positions = replace(positions, receivers=positions.receivers[each, sorted_])
        new_notes.append(
            "traces are sorted by the positions of their receivers, since their order differs between shots"
        )
    return Shots(
        gathers.reshape(*order.shape, -1).transpose(0, 2, 1),
        step,
        positions,
        tuple(dict.fromkeys([*notes, *new_notes])),
    )


def choose_traces(codes: Indices, path: Path) -> tuple[Indices, Indices, list[str]]:
    """Find the traces to keep and the dead ones by their identification codes (byte 29).

    Args:
        codes: Codes of all traces.
        path: Path of the file, for messages.

    Returns:
        Numbers of the traces that are kept, numbers of the dead ones among them, and notes.

    Raises:
        DataError: All traces are dead, or sensors of several kinds are mixed.
    """
    live, dead = np.isin(codes, LIVE), np.isin(codes, DEAD)
    notes = []
    if not live.any():
        if dead.all():
            raise DataError(f"{path}: every trace is marked as dead (byte 29)", IGNORE_HEADERS)
        if len(set(codes.tolist())) == 1:
            return (
                np.arange(len(codes)),
                np.array([], np.int64),
                [f"every trace has the code {codes[0]} of auxiliary traces (byte 29); all are taken as seismic"],
            )
        raise DataError(f"{path}: no trace is marked as seismic (code 1 in byte 29)", IGNORE_HEADERS)
    if len(sensors := sorted({int(code) for code in codes[live]} & set(range(11, 18)))) > 1:
        raise DataError(
            f"{path}: sensors of several kinds are mixed (codes {', '.join(map(str, sensors))} in byte 29)",
            "split the file by component: pressure, or vertical velocity",
        )
    if other := int((~live & ~dead).sum()):
        found = ", ".join(str(code) for code in np.unique(codes[~live & ~dead]))
        notes.append(f"{other} of {len(codes)} traces are auxiliary (code {found} in byte 29) and are left out")
    if dead.any():
        notes.append(f"{int(dead.sum())} of {len(codes)} traces are marked as dead (byte 29) and are set to 0")
    return np.flatnonzero(live | dead), np.flatnonzero(dead), notes


def sort_shots(headers: Headers, kept: Indices, given: TraceOptions, path: Path) -> tuple[Indices, list[str]]:
    """Find the traces of each shot.

    The first header that distinguishes shots is used: field record, energy source point, position of the source,
    trace number that starts again; where none does, the numbers of receivers and sources that the user gives.

    Args:
        headers: Headers of all traces.
        kept: Numbers of the traces to sort.
        given: Values of the user.
        path: Path of the file, for messages.

    Returns:
        Numbers of traces, `(shots, R)`, and notes.

    Raises:
        DataError: Shots have different numbers of traces.
    """
    labels, how = _labels(headers, kept, given)
    if labels is None:
        size = _shot_size(len(kept), given)
        shots = len(kept) // size
        why = "no trace header distinguishes shots (bytes 9, 13, 17, 73)"
        if shots > 1:
            return kept.reshape(shots, size), [f"{shots} shots of {size} traces in the order of the file: {why}"]
        # one record number, or numbers that never repeat, say that it is one shot
        is_one_shot = headers.record[kept].any() or len(np.unique(headers.number[kept])) == len(kept)
        return kept[None], ([] if is_one_shot or size == 1 else [f"all {size} traces are taken as one shot: {why}"])
    values, counts = np.unique(labels, return_counts=True)
    if len(set(counts.tolist())) != 1:
        raise DataError(
            f"{path}: shots by {how} have {counts.min()} to {counts.max()} traces, expected one number",
            "pad the shots with dead traces, or cut them",
        )
    order = kept[np.argsort(labels, kind="stable")].reshape(len(values), -1)
    return order, [f"shots are distinguished by {how}"]


def _labels(headers: Headers, kept: Indices, given: TraceOptions) -> tuple[Indices | None, str]:
    """Number of the shot of each trace by the first header that distinguishes shots, and which header it is."""
    first: tuple[Indices | None, str] = (None, "")
    for labels, how in _candidates(headers, kept):
        found = len(np.unique(labels))
        if found < 2:
            continue
        # a header that differs in every trace is more likely a trace number than a shot of one trace
        if found < len(kept) or given.receivers == 1:
            return labels, how
        first = first if first[0] is not None else (labels, how)
    return first


def _candidates(headers: Headers, kept: Indices) -> Iterator[tuple[Indices, str]]:
    yield headers.record[kept], "field record (byte 9)"
    yield headers.energy[kept], "energy source point (byte 17)"
    position = np.column_stack([headers.source[kept], headers.source_height[kept]])
    if position.any():
        moved = np.abs(np.diff(position, axis=0)).max(axis=1, initial=0) > 0
        yield np.concatenate([[0], np.cumsum(moved)]), "position of the source (bytes 73, 77)"
    number = headers.number[kept]
    if len(np.unique(number)) > 1:
        yield np.cumsum(number == number[0]), "trace number that starts again (byte 13)"


def _shot_size(traces: int, given: TraceOptions) -> int:
    """Number of traces in a shot that follows from the user's numbers of receivers or sources."""
    if given.receivers and traces % given.receivers == 0:
        return given.receivers
    if given.sources and not given.receivers and traces % given.sources == 0:
        return traces // given.sources
    return traces


def start_at_shot(traces: Array32, delays: Array64, step: float, path: Path) -> tuple[Array32, list[str]]:
    """Shift traces so that their first sample is at the time of the shot.

    Args:
        traces: `(N, T)`.
        delays: Time of the first sample of each after the shot [s].
        step: Time step [s].
        path: Path of the file, for messages.

    Returns:
        Traces, longer by the largest delay, with zeros before their first and after their last sample; and notes.

    Raises:
        DataError: The time step is unknown, or recording ends before the shot.
    """
    if not step > 0:
        raise DataError(f"{path} has delayed traces (byte 109) and no sample interval", "give the time step with --dt")
    shifts = np.rint(delays / step).astype(np.int64)
    length = traces.shape[1] + int(shifts.max())
    if length < 2:
        raise DataError(f"{path}: recording ends before the shot (byte 109)", IGNORE_HEADERS)
    shifted = np.zeros((len(traces), length), np.float32)
    for shift in np.unique(shifts):
        rows = np.flatnonzero(shifts == shift)
        part = traces[rows, max(-int(shift), 0) :]
        begin = max(int(shift), 0)
        shifted[rows, begin : begin + part.shape[1]] = part
    low, high = float(delays.min()), float(delays.max())
    when = f"{low:g} s" if low == high else f"{low:g} to {high:g} s"
    notes = [
        f"recording starts {when} after the shot (byte 109): traces are shifted to start with it, {length} samples"
    ]
    if (rest := float(np.abs(delays - shifts * step).max())) > 0.05 * step:
        notes.append(f"the delays are not multiples of the time step; they are rounded by up to {rest:.2g} s")
    return shifted, notes
