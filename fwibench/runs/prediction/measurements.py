"""Measurements from files of users, and checks whether they match a problem.

Invariant: an `.npy` file is memory-mapped and never unpickled, a SEG-Y file is read completely; samples are float32 and
have the problem's shape.
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

FAR_RATIO = 10.0
"""Ratio of a sample's peak amplitude to the one that is scaled to 1, or its inverse, above which a warning is given."""
LARGEST_EXACT = 2**24
"""Largest integer up to which all integers are exact in float32."""


@dataclass(frozen=True)
class Measurements:
    """Measurements of a file.

    Attributes:
        array: Memory-mapped array `(n, S, T, R)` of the file's type.
        notes: How the file was interpreted.
    """

    array: NDArray[Any]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.array)

    def portions(self, problem: Problem) -> Iterator[tuple[int, Array32]]:
        """Yield the number of the first sample and the samples, in chunks of the same size as in a run."""
        rows = rows_at_once(problem)
        for first in range(0, len(self), rows):
            yield first, np.array(to_float32(self.array[first : first + rows]), order="C")


def read_measurements(path: Path, problem: Problem) -> Measurements:
    """Open an `.npy` or SEG-Y file of measurements; see `read_layout` for the shapes of arrays.

    Args:
        path: An `.npy` or SEG-Y file.
        problem: Problem with the shape `(S, T, R)` of a sample.

    Returns:
        The measurements, `(n, S, T, R)`, and notes.

    Raises:
        DataError: The file is absent, damaged, of another format, or does not hold real numbers.
        ProblemError: The shape differs from the problem's; the message names the axes.
    """
    if path.suffix.lower() in SUFFIXES and path.is_file():
        array, notes = read_segy(path, problem)
    else:
        array, notes = open_array(path), []
    taken = take_measurements(array, str(path), problem)
    return Measurements(taken.array, (*notes, *taken.notes))


def take_measurements(array: NDArray[Any], name: str, problem: Problem) -> Measurements:
    """Check the type and the shape of an array of measurements.

    Args:
        array: Measurements `(n, S, T, R)`, or in another layout that `read_layout` accepts.
        name: Name of the array, for messages.
        problem: Problem with the shape `(S, T, R)` of a sample.

    Returns:
        The measurements, `(n, S, T, R)`, and notes.

    Raises:
        DataError: The array does not hold real numbers.
        ProblemError: The shape differs from the problem's.
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
    # only adds axes of length 1, so the memory-mapped array is not copied
    array = array.reshape(layout.shape)
    if array.dtype.kind in "iu" and max(abs(int(array.max())), abs(int(array.min()))) > LARGEST_EXACT:
        notes.append(f"integers beyond {LARGEST_EXACT} are rounded")
    return Measurements(array, tuple(notes))


def inspect_values(measurements: Measurements, problem: Problem, missing: float = 0.0) -> list[str]:
    """Read all values and check whether they are plausible.

    Args:
        measurements: Measurements to check.
        problem: Problem with the expected amplitude.
        missing: Expected share of traces without signal.

    Returns:
        A line for each doubt about the values.

    Raises:
        ProblemError: Values are not finite.
    """
    scale = max(abs(problem.amplitude.low), abs(problem.amplitude.high))
    divisor = np.array(problem.amplitude.rows or (1.0,), np.float64) * scale
    peaks, silent, bad = [], [], []
    for first, samples in measurements.portions(problem):
        not_finite = find_not_finite(samples)
        bad += [(first + int(i), int((~np.isfinite(samples[i])).sum())) for i in not_finite]
        if len(not_finite):
            # raises below
            continue
        highest = np.abs(samples).max(axis=(1, 3)) / divisor
        # rows that are scaled separately are compared separately
        peaks.append(highest if problem.amplitude.rows else highest.max(axis=1, keepdims=True))
        silent.append(~samples.any(axis=2))
    if bad:
        count = sum(count for _, count in bad)
        raise ProblemError(
            f"{count} values in {len(bad)} of {len(measurements)} samples are NaN or infinite; "
            f"the first is sample {bad[0][0]} (from 0) with {bad[0][1]}",
            "remove these samples, or set lost traces to 0 if the method was trained with missing_traces",
        )
    return [
        *_check_amplitudes(np.concatenate(peaks), problem),
        *_check_silent_traces(np.concatenate(silent), missing),
    ]


def _check_amplitudes(peaks: Array64, problem: Problem) -> list[str]:
    """Return a line if amplitudes indicate another unit, scaling or row order; `peaks` is `(n, rows)` or `(n, 1)`."""
    lines = []
    for word, far in (("larger", peaks > FAR_RATIO), ("smaller", (peaks < 1 / FAR_RATIO) & (peaks > 0))):
        if far.any():
            sample, row = np.argwhere(far)[0]
            times = show_number(float(max(peaks[sample, row], 1 / peaks[sample, row])), 2)
            some = "" if far[sample].all() else f" of the {_describe_row(int(row), problem)}"
            reordered = bool(some) and isinstance(problem.survey, ElectromagneticSurvey)
            advice = "check the unit and the scaling"
            if reordered:
                parts = parts_advice(problem.measurement_shape[1])
                advice = f"check the unit, the scaling and the order of the rows ({parts})"
            lines.append(
                f"the largest amplitude{some} of {int(far[:, row].sum())} of {len(peaks)} samples is far {word} than "
                f"in the data that the method was trained for, {times} times in sample {sample}: {advice}"
            )
    return lines


def _describe_row(row: int, problem: Problem) -> str:
    """Return the name of a row that is scaled separately."""
    if isinstance(problem.survey, ElectromagneticSurvey):
        return f"{('real', 'imaginary')[row % 2]} part at {problem.survey.frequencies[row // 2]:g} Hz"
    return f"time sample {row}"


def _check_silent_traces(silent: NDArray[np.bool_], missing: float) -> list[str]:
    """Return a line if more samples, gathers or traces are 0 than expected; `silent` is `(n, S, R)`."""
    gathers = np.asarray(silent.all(axis=2))
    samples = np.asarray(gathers.all(axis=1))
    nothing = "contain only zeros"
    if samples.any():
        return [f"{int(samples.sum())} of {len(samples)} samples {nothing}, first sample {int(samples.argmax())}"]
    if gathers.any():
        sample, source = np.argwhere(gathers)[0]
        return [f"{int(gathers.sum())} of {gathers.size} gathers {nothing}, first source {source} of sample {sample}"]
    # a share is rounded to whole traces
    if silent.mean() > missing + (1 / silent[0].size if missing else 0):
        sample, source, receiver = np.argwhere(silent)[0]
        usual = f", expected {missing:.0%}" if missing else ""
        return [
            f"{int(silent.sum())} of {silent.size} traces ({silent.mean():.1%}) {nothing}{usual}; "
            f"first receiver {receiver} of source {source} of sample {sample}"
        ]
    return []
