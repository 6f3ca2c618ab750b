"""Measurements from a user's file, and whether they can be what a problem expects.

Invariant: an `.npy` file is memory-mapped and never unpickled, a SEG-Y file is read whole; what is read of either is
float32 of the problem's shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.layouts import Expected, complex_advice, parts_advice, read_layout
from fwibench.datasets.readers.segy_headers import SUFFIXES
from fwibench.errors import DataError, ProblemError
from fwibench.files.npy import open_array, to_float32
from fwibench.problem import ElectromagneticSurvey, Problem
from fwibench.runs.opening.methods import rows_at_once
from fwibench.runs.prediction.segy import read_segy
from fwibench.samples import find_not_finite
from fwibench.text.readable import show_number
from fwibench.typing import Array32, Array64

FAR = 10.0
"""A largest amplitude, of a row where each is scaled by itself, so many times larger or smaller than the one that
is scaled to 1 is told."""
EXACT = 2**24
"""Integers up to this are the same as float32."""


@dataclass(frozen=True)
class Incoming:
    """Measurements of a file.

    Attributes:
        array: `(n, S, T, R)`, memory-mapped, of the file's type.
        notes: How the file was understood.
    """

    array: NDArray[Any]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.array)

    def portions(self, problem: Problem) -> Iterator[tuple[int, Array32]]:
        """Number of the first sample and samples in memory, portion by portion as a run of the problem reads them."""
        rows = rows_at_once(problem)
        for first in range(0, len(self), rows):
            yield first, np.array(to_float32(self.array[first : first + rows]), order="C")


def read_measurements(path: Path, problem: Problem) -> Incoming:
    """Open an `.npy` or SEG-Y file of measurements; see `read_layout` for the shapes of arrays.

    Args:
        path: The file.
        problem: Gives the shape `(S, T, R)` of a sample.

    Returns:
        The array as `(n, S, T, R)`, and notes.

    Raises:
        DataError: It is absent, damaged, of another format, or does not hold real numbers.
        ProblemError: It has another shape than the problem; says which axes, and what to do.
    """
    if path.suffix.lower() in SUFFIXES and path.is_file():
        array, notes = read_segy(path, problem)
    else:
        array, notes = open_array(path), []
    taken = take_measurements(array, str(path), problem)
    return Incoming(taken.array, (*notes, *taken.notes))


def take_measurements(array: NDArray[Any], name: str, problem: Problem) -> Incoming:
    """Check the type and the shape of an array of measurements.

    Args:
        array: `(n, S, T, R)`, or as `read_layout` says.
        name: Of the array, for messages.
        problem: Gives the shape `(S, T, R)` of a sample.

    Raises:
        DataError: It does not hold real numbers.
        ProblemError: It has another shape than the problem.
    """
    notes: list[str] = []
    if array.dtype.kind == "c":
        advice = complex_advice(array.ndim, Expected.of(problem))
        raise ProblemError(f"{name} holds complex numbers ({array.dtype})", advice)
    if array.dtype.kind not in "fiu":
        raise DataError(f"{name} holds {array.dtype}, expected numbers: float32", "use array.astype('float32')")
    if array.dtype != np.float32:
        notes.append(f"converted from {array.dtype} to float32")
    layout = read_layout(name, array.shape, Expected.of(problem))
    if layout.note:
        notes.append(layout.note)
    # adds axes of length 1, so the memory-mapped array is not copied
    array = array.reshape(layout.shape)
    if array.dtype.kind in "iu" and max(abs(int(array.max())), abs(int(array.min()))) > EXACT:
        notes.append(f"integers beyond {EXACT} are rounded")
    return Incoming(array, tuple(notes))


def inspect_values(measurements: Incoming, problem: Problem, missing: float = 0.0) -> list[str]:
    """Reads all values and tells in a line each what makes them doubtful.

    Args:
        measurements: What was read.
        problem: Its amplitude is compared.
        missing: Share of traces without a signal that is usual in the data that the method knows.

    Raises:
        ProblemError: Values are not finite.
    """
    scale = max(abs(problem.amplitude.low), abs(problem.amplitude.high))
    divisor = np.array(problem.amplitude.rows or (1.0,), np.float64) * scale
    peaks, silent, bad = [], [], []
    for first, samples in measurements.portions(problem):
        unfinite = find_not_finite(samples)
        bad += [(first + int(i), int((~np.isfinite(samples[i])).sum())) for i in unfinite]
        if len(unfinite):
            # told below; sums of such values would be noise
            continue
        highest = np.abs(samples).max(axis=(1, 3)) / divisor
        # rows that are scaled by themselves are judged so
        peaks.append(highest if problem.amplitude.rows else highest.max(axis=1, keepdims=True))
        silent.append(~samples.any(axis=2))
    if bad:
        count = sum(count for _, count in bad)
        raise ProblemError(
            f"{count} values in {len(bad)} of {len(measurements)} samples are NaN or infinite; "
            f"the first is sample {bad[0][0]} (from 0) with {bad[0][1]}",
            "remove these samples, or set lost traces to 0 if the method was trained with missing_traces",
        )
    return [*_far(np.concatenate(peaks), problem), *_silent(np.concatenate(silent), missing)]


def _far(peaks: Array64, problem: Problem) -> list[str]:
    """Amplitudes that another unit, scaling or order of the rows would explain; `peaks` is `(n, rows)`, or `(n, 1)`."""
    lines = []
    for word, far in (("larger", peaks > FAR), ("smaller", (peaks < 1 / FAR) & (peaks > 0))):
        if far.any():
            sample, row = np.argwhere(far)[0]
            times = show_number(float(max(peaks[sample, row], 1 / peaks[sample, row])), 2)
            some = "" if far[sample].all() else f" of the {_name_of(int(row), problem)}"
            turn = bool(some) and isinstance(problem.survey, ElectromagneticSurvey)
            order = f", or are the rows in another order ({parts_advice(problem.measurement_shape[1])})" if turn else ""
            lines.append(
                f"the largest amplitude{some} of {int(far[:, row].sum())} of {len(peaks)} samples is far {word} than "
                f"in the data that the method knows, {times} times in sample {sample}: is it another unit, or were "
                f"they scaled{order}?"
            )
    return lines


def _name_of(row: int, problem: Problem) -> str:
    """What a row that is scaled by itself holds."""
    if isinstance(problem.survey, ElectromagneticSurvey):
        return f"{('real', 'imaginary')[row % 2]} part at {problem.survey.frequencies[row // 2]:g} Hz"
    return f"time sample {row}"


def _silent(silent: NDArray[np.bool_], missing: float) -> list[str]:
    """Samples, gathers or traces that are 0 throughout; `silent` is `(n, S, R)`."""
    gathers = np.asarray(silent.all(axis=2))
    samples = np.asarray(gathers.all(axis=1))
    nothing = "hold nothing but 0"
    if samples.any():
        return [f"{int(samples.sum())} of {len(samples)} samples {nothing}, first sample {int(samples.argmax())}"]
    if gathers.any():
        sample, source = np.argwhere(gathers)[0]
        return [f"{int(gathers.sum())} of {gathers.size} gathers {nothing}, first source {source} of sample {sample}"]
    # a share is rounded to whole traces
    if silent.mean() > missing + (1 / silent[0].size if missing else 0):
        sample, source, receiver = np.argwhere(silent)[0]
        usual = f", {missing:.0%} is usual in the data that the method knows" if missing else ""
        return [
            f"{int(silent.sum())} of {silent.size} traces ({silent.mean():.1%}) {nothing}{usual}; "
            f"first receiver {receiver} of source {source} of sample {sample}"
        ]
    return []
