"""Headers of `.npy` files that belong together, checked before any sample is read.

Invariant: files are opened read-only and memory-mapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fwibench.datasets.base import Shards
from fwibench.datasets.layouts import Expected, transposition
from fwibench.errors import DataError
from fwibench.files.npy import open_array
from fwibench.problem import Problem


class Pair(NamedTuple):
    """Two files with the same samples, in the same order."""

    measurements: Path
    properties: Path


def _shape(path: Path) -> tuple[int, ...]:
    """Shape of a file of floating point numbers."""
    array = open_array(path)
    if array.dtype.kind != "f":
        raise DataError(
            f"{path} holds {array.dtype}, expected floating point numbers",
            "convert it once: numpy.save(path, array.astype('float32'))",
        )
    return array.shape


def read_headers(pairs: Sequence[Pair], problem: Problem) -> Shards:
    """Checks the header of every file against the problem; reads no sample.

    Args:
        pairs: Files of `(n, S, T, R)` with files of `(n, 1, Z, X)`; an axis of length 1 may be left out.
        problem: Gives the shapes.

    Raises:
        DataError: A file cannot be opened, has another shape, or a pair differs in its number of samples.
    """
    counts = []
    for pair in pairs:
        n, other = (
            _count(path, _shape(path), shape)
            for path, shape in zip(pair, (problem.measurement_shape, problem.property_shape), strict=True)
        )
        if n != other:
            raise DataError(
                f"{pair.measurements} has {n} samples, {pair.properties} has {other}; expected the same number",
                "the two files do not belong together, or one was cut",
            )
        counts.append(n)
    return Shards(tuple(p.measurements for p in pairs), tuple(p.properties for p in pairs), tuple(counts))


def _count(path: Path, shape: tuple[int, ...], sample: tuple[int, ...]) -> int:
    """Samples of a file, whose shape must be that of the samples."""
    accepted = [sample, sample[1:]] if sample[0] == 1 else [sample]
    if shape[1:] not in accepted:
        wanted = " or ".join(f"({', '.join(('n', *map(str, one)))})" for one in accepted)
        raise DataError(f"{path} has shape {shape}, expected {wanted}", _advice(shape, sample))
    if shape[0] == 0:
        raise DataError(f"{path} has no samples")
    return shape[0]


def _advice(shape: tuple[int, ...], sample: tuple[int, ...]) -> str:
    if shape == sample:
        return "a single sample needs a leading axis of length 1: array[None]"
    if order := transposition(shape, Expected((sample[0], sample[1], sample[2]))):
        return f"the axes are in another order: save array.transpose({order})"
    return "the first axis counts samples; the file may be another one, or of another survey"
