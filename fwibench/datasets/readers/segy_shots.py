"""Shots of a SEG-Y file: which traces make a shot, and where and when it was recorded.

Invariant: a shot has the same number of traces as every other, its time axis starts with the shot, and whatever was
concluded from headers is in the notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fwibench.datasets.readers.segy_headers import DEAD, LIVE, Headers, opened, read_headers
from fwibench.datasets.readers.segy_positions import FieldPlaces, by_place, find_places
from fwibench.errors import DataError
from fwibench.typing import Array32, Array64, Indices

ASIDE = "correct the headers; fwibench data add leaves places, delays and codes aside with --no-headers"
"""What to do about headers that cannot be right."""


@dataclass(frozen=True)
class Shots:
    """Traces of a file, sorted by shot.

    Attributes:
        traces: `(shots, T, R)`, float32; the first time sample is at the time of the shot.
        step: Time step [s]; 0 where neither the file nor the user says it.
        places: Where the shots were recorded; None if the headers do not say.
        notes: What was used, assumed and left out.
    """

    traces: Array32
    step: float
    places: FieldPlaces | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Stated:
    """What the user says about the traces; it decides where headers do not.

    Attributes:
        step: Time step [s].
        sources: Shots of a sample.
        receivers: Traces of a shot.
        headers: Whether places, delays and trace codes of the headers are used.
    """

    step: float | None = None
    sources: int | None = None
    receivers: int | None = None
    headers: bool = True


def read_shots(path: Path, stated: Stated | None = None) -> Shots:
    """Read the shots of a file.

    Auxiliary traces are left out, dead ones are set to 0, and traces that start late or early are shifted so that the
    first sample is at the time of the shot.

    Args:
        path: A SEG-Y file.
        stated: What the user says.

    Raises:
        DataError: Shots have different numbers of traces, or headers contradict each other.
        ValueError: The file cannot be read; see `opened`.
    """
    stated = stated or Stated()
    with opened(path) as file:
        headers = read_headers(file, path)
        traces = np.asarray(file.trace.raw[:], np.float32)
    notes = list(headers.notes)
    if stated.headers:
        step, told = headers.sample_interval(path, stated.step)
    else:
        step, told = stated.step or headers.sample_interval(path)[0], []
    notes += told
    kept = np.arange(len(headers))
    if stated.headers:
        kept, dead, told = choose_traces(headers.code, path)
        traces[dead] = 0
        notes += told
    order, told = sort_shots(headers, kept, stated, path)
    notes += told
    rows = order.ravel()
    gathers = traces[rows]
    if stated.headers and headers.delay[rows].any():
        gathers, told = start_at_shot(gathers, headers.delay[rows], step or stated.step or 0.0, path)
        notes += told
    places, told = find_places(headers, order) if stated.headers else (None, [])
    if places is not None and (turned := by_place(places)) is not None:
        each = np.arange(len(order))[:, None]
        gathers = gathers.reshape(*order.shape, -1)[each, turned].reshape(len(rows), -1)
        places = FieldPlaces(places.sources, places.receivers[each, turned], places.heights)
        told.append("traces are sorted by the places of their receivers, for their order differs between shots")
    return Shots(
        gathers.reshape(*order.shape, -1).transpose(0, 2, 1), step, places, tuple(dict.fromkeys([*notes, *told]))
    )


def choose_traces(codes: Indices, path: Path) -> tuple[Indices, Indices, list[str]]:
    """Find the traces to keep and the dead ones by their identification codes (byte 29).

    Args:
        codes: Of all traces.
        path: The file, for messages.

    Returns:
        Numbers of the traces that are kept, numbers of the dead ones among them, and notes.

    Raises:
        DataError: All traces are dead, or sensors of several kinds are mixed.
    """
    live, dead = np.isin(codes, LIVE), np.isin(codes, DEAD)
    notes = []
    if not live.any():
        if dead.all():
            raise DataError(f"{path}: every trace is marked as dead (byte 29)", ASIDE)
        if len(set(codes.tolist())) == 1:
            return (
                np.arange(len(codes)),
                np.array([], np.int64),
                [f"every trace has the code {codes[0]} of auxiliary traces (byte 29); all are taken as seismic"],
            )
        raise DataError(f"{path}: no trace is marked as seismic (code 1 in byte 29)", ASIDE)
    if len(sensors := sorted({int(code) for code in codes[live]} & set(range(11, 18)))) > 1:
        raise DataError(
            f"{path}: sensors of several kinds are mixed (codes {', '.join(map(str, sensors))} in byte 29)",
            "split the file by component; one is pressure or the vertical velocity alone",
        )
    if other := int((~live & ~dead).sum()):
        found = ", ".join(str(code) for code in np.unique(codes[~live & ~dead]))
        notes.append(f"{other} of {len(codes)} traces are auxiliary (code {found} in byte 29) and are left out")
    if dead.any():
        notes.append(f"{int(dead.sum())} of {len(codes)} traces are marked as dead (byte 29) and are set to 0")
    return np.flatnonzero(live | dead), np.flatnonzero(dead), notes


def sort_shots(headers: Headers, kept: Indices, stated: Stated, path: Path) -> tuple[Indices, list[str]]:
    """Find the traces of each shot.

    The first header that tells shots apart is used: field record, energy source point, place of the source, trace
    number that starts again; where none does, the numbers of receivers and sources that the user states.

    Args:
        headers: Of all traces.
        kept: Numbers of the traces to sort.
        stated: What the user says.
        path: The file, for messages.

    Returns:
        Numbers of traces, `(shots, R)`, and notes.

    Raises:
        DataError: Shots have different numbers of traces.
    """
    labels, how = _labels(headers, kept, stated)
    if labels is None:
        size = _stated_size(len(kept), stated)
        shots = len(kept) // size
        why = "no trace header tells shots apart (bytes 9, 13, 17, 73)"
        if shots > 1:
            return kept.reshape(shots, size), [f"{shots} shots of {size} traces in the order of the file: {why}"]
        # one record number, or numbers that never repeat, say that it is one shot
        told = headers.record[kept].any() or len(np.unique(headers.number[kept])) == len(kept)
        return kept[None], ([] if told or size == 1 else [f"all {size} traces are taken as one shot: {why}"])
    values, counts = np.unique(labels, return_counts=True)
    if len(set(counts.tolist())) != 1:
        raise DataError(
            f"{path}: shots by {how} have {counts.min()} to {counts.max()} traces, expected one number",
            "pad the shots with dead traces, or cut them",
        )
    order = kept[np.argsort(labels, kind="stable")].reshape(len(values), -1)
    return order, [f"shots are told apart by {how}"]


def _labels(headers: Headers, kept: Indices, stated: Stated) -> tuple[Indices | None, str]:
    """Number of the shot of each trace by the first header that tells shots apart, and which header it is."""
    first: tuple[Indices | None, str] = (None, "")
    for labels, how in _candidates(headers, kept):
        found = len(np.unique(labels))
        if found < 2:
            continue
        # a header that differs in every trace is more likely a trace number than a shot of one trace
        if found < len(kept) or stated.receivers == 1:
            return labels, how
        first = first if first[0] is not None else (labels, how)
    return first


def _candidates(headers: Headers, kept: Indices) -> Iterator[tuple[Indices, str]]:
    yield headers.record[kept], "field record (byte 9)"
    yield headers.energy[kept], "energy source point (byte 17)"
    place = np.column_stack([headers.source[kept], headers.source_height[kept]])
    if place.any():
        moved = np.abs(np.diff(place, axis=0)).max(axis=1, initial=0) > 0
        yield np.concatenate([[0], np.cumsum(moved)]), "place of the source (bytes 73, 77)"
    number = headers.number[kept]
    if len(np.unique(number)) > 1:
        yield np.cumsum(number == number[0]), "trace number that starts again (byte 13)"


def _stated_size(traces: int, stated: Stated) -> int:
    """Traces of a shot, as the user's numbers of receivers or sources imply."""
    if stated.receivers and traces % stated.receivers == 0:
        return stated.receivers
    if stated.sources and not stated.receivers and traces % stated.sources == 0:
        return traces // stated.sources
    return traces


def start_at_shot(traces: Array32, delays: Array64, step: float, path: Path) -> tuple[Array32, list[str]]:
    """Shift traces so that their first sample is at the time of the shot.

    Args:
        traces: `(N, T)`.
        delays: Time of the first sample of each after the shot [s].
        step: Time step [s].
        path: The file, for messages.

    Returns:
        Traces, longer by the largest delay, with zeros before their first and after their last sample; and notes.

    Raises:
        DataError: The time step is not known.
    """
    if not step > 0:
        raise DataError(f"{path} has delayed traces (byte 109) and no sample interval", "give the time step with --dt")
    shifts = np.rint(delays / step).astype(np.int64)
    length = traces.shape[1] + int(shifts.max())
    if length < 2:
        raise DataError(f"{path}: recording ends before the shot (byte 109)", ASIDE)
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
        notes.append(f"the delays are no multiples of the time step; they are rounded by up to {rest:.2g} s")
    return shifted, notes
