"""Layouts of arrays of measurements: which axes are samples, sources, time or frequencies, and receivers.

Invariant: `data add` and `predict` interpret a shape in the same way. An ambiguous shape gets a note, and an impossible
one is an error that names the axes and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

from fwibench.errors import ProblemError
from fwibench.problem import ElectromagneticSurvey, Problem

Shape = tuple[int, ...]
ACCEPTED = "accepted are (n, S, T, R), (n, T, R) for one source, (S, T, R) for one sample, (T, R) for both"
ELECTROMAGNETIC = "(n, S, 2 F, R), real and imaginary part of each frequency in turn"


@dataclass(frozen=True)
class Expected:
    """Sizes of measurements that are known before an array is read.

    Attributes:
        sizes: Sources, rows (time samples, or twice the number of frequencies) and receivers of a sample; None where
            unknown.
        samples: Number of samples, such as that of the maps; None if unknown.
        em: Whether the rows are real and imaginary parts of frequencies.
        advice: Hint of the error for other sizes.
    """

    sizes: tuple[int | None, int | None, int | None]
    samples: int | None = None
    em: bool = False
    advice: str = ""

    @classmethod
    def of(cls, problem: Problem) -> Expected:
        """Return the sizes of a problem, with any number of samples."""
        survey = problem.survey
        if isinstance(survey, ElectromagneticSurvey):
            frequencies = ", ".join(f"{frequency:g}" for frequency in survey.frequencies)
            return cls(
                problem.measurement_shape, None, True, f"the method is fitted to one survey, of {frequencies} Hz"
            )
        advice = (
            f"the method is fitted to one survey: interpolate to its receivers and to {survey.nt} samples of "
            f"{survey.dt:g} s"
        )
        return cls(problem.measurement_shape, None, False, advice)

    @property
    def names(self) -> tuple[str, str, str]:
        """Names of the three axes of a sample."""
        return "sources", "rows" if self.em else "time samples", "receivers"

    @property
    def text(self) -> str:
        """Shape and axes as text, with `n`, `S`, `T` and so on for unknown sizes."""
        letters = ("S", "2 F" if self.em else "T", "R")
        sizes = (letter if size is None else str(size) for size, letter in zip(self.sizes, letters, strict=True))
        n = "n" if self.samples is None else str(self.samples)
        return f"({n}, {', '.join(sizes)}): samples, {', '.join(self.names)}"

    def fits(self, shape: Shape) -> bool:
        """Return whether `(n, S, T, R)` has the known sizes."""
        known = (self.samples, *self.sizes)
        return len(shape) == 4 and all(size in (None, found) for size, found in zip(known, shape, strict=True))


class Layout(NamedTuple):
    """An interpretation of a shape.

    Attributes:
        shape: `(n, S, T, R)`, to which `reshape` brings the array without moving values.
        note: Sentence on missing axes; empty if the shape has all four.
    """

    shape: tuple[int, int, int, int]
    note: str


def read_layout(where: str, shape: Shape, expected: Expected) -> Layout:
    """Find the layout of an array of measurements.

    Args:
        where: Name of the array, for messages.
        shape: Shape of the array.
        expected: Known sizes.

    Returns:
        The layout that fits; of several, the one with most samples.

    Raises:
        ProblemError: None fits; the message names the axes that differ, or the transposition that fits.
    """
    layouts = _layouts(shape)
    fitting = [one for one in layouts if expected.fits(one.shape)]
    if not fitting:
        raise _shape_error(where, shape, expected, layouts)
    found = fitting[0]
    if 0 in found.shape:
        raise ProblemError(f"{where} has no samples" if found.shape[0] == 0 else f"{where} is empty: shape {shape}")
    return found


def _layouts(shape: Shape) -> list[Layout]:
    """All layouts of a shape."""
    if len(shape) == 4:
        return [Layout((shape[0], shape[1], shape[2], shape[3]), "")]
    if len(shape) == 3:
        n, rows, receivers = shape
        one = Layout(
            (1, n, rows, receivers),
            f"the file is taken as one sample of {n} source{'s' * (n > 1)}, for it has no axis of samples",
        )
        many = Layout(
            (n, 1, rows, receivers), f"the file is taken as {n} samples of one source, for it has no axis of sources"
        )
        return [one] if n == 1 else [many, one]
    if len(shape) == 2:
        note = "the file is taken as one sample of one source, for it has two axes"
        return [Layout((1, 1, *shape), note)]
    return []


def _shape_error(where: str, shape: Shape, expected: Expected, layouts: list[Layout]) -> ProblemError:
    what = f"{where} has shape {shape}, expected {expected.text}"
    if not layouts:
        return ProblemError(what, ACCEPTED)
    if order := transposition(shape, expected):
        # the axes of the file in its own order
        described = ("samples", *expected.names)[-len(shape) :]
        found = ", ".join(described[order.index(axis)] for axis in range(len(shape)))
        return ProblemError(
            f"{where} has its axes in another order: shape {shape} is {found}; expected {expected.text}",
            f"save array.transpose({order})",
        )
    rows = expected.sizes[1]
    if expected.em and rows is not None and any(_halved(expected).fits(one.shape) for one in layouts):
        return ProblemError(f"{what}; it has {rows // 2} rows for {rows // 2} frequencies", parts_advice(rows))
    several = expected.samples not in (None, 1)
    nearest = max(layouts, key=lambda one: (_agreeing(one, expected), (one.shape[0] > 1) == several))
    if len(shape) == 2 and expected.sizes[0] not in (None, 1):
        return ProblemError(what, "a single sample may leave out the axis of samples, not that of sources")
    names = ("samples", *expected.names)
    sizes = zip(names, nearest.shape, (expected.samples, *expected.sizes), strict=True)
    differing = [
        f"{found} {name[:-1] if found == 1 else name} instead of {right}"
        for name, found, right in sizes
        if right not in (None, found)
    ]
    return ProblemError(f"{what}; it has {', '.join(differing)}", expected.advice or ACCEPTED)


def transposition(shape: Shape, expected: Expected) -> tuple[int, ...]:
    """Return the order of axes that gives an array the expected sizes.

    Of several, the one that moves fewest axes.

    Args:
        shape: Shape of the array, three or four axes.
        expected: Known sizes; unknown sizes fit any axis, so at least two must be known.

    Returns:
        Arguments of `numpy.transpose`; empty if no other order fits, or fewer than two sizes are known.
    """
    known = sum(size is not None for size in expected.sizes)
    if len(shape) < 3 or known < 2:
        return ()
    axes = range(len(shape))

    def fits(order: tuple[int, ...]) -> bool:
        transposed = tuple(shape[axis] for axis in order)
        return expected.fits(transposed if len(transposed) == 4 else (1, *transposed))

    fitting = [one for one in permutations(axes) if fits(one)]
    return min(fitting, key=lambda one: sum(axis != i for i, axis in enumerate(one)), default=())


def complex_advice(axes: int, expected: Expected) -> str:
    """Return advice on complex measurements: how to save them as real ones.

    Args:
        axes: Number of axes of the array.
        expected: Known sizes.
    """
    if not expected.em:
        return "seismic measurements are real: save array.real if the imaginary part means nothing"
    u = "array" if axes == 4 else "array[None]"
    unknown = ("u.shape[1]", "-1", "u.shape[3]")
    sizes = ", ".join(text if size is None else str(size) for size, text in zip(expected.sizes, unknown, strict=True))
    stacked = f"numpy.stack([u.real, u.imag], axis=3).reshape(len(u), {sizes})"
    return f"{parts_advice(expected.sizes[1])}: with u = {u} of (n, sources, frequencies, receivers), save {stacked}"


def parts_advice(rows: int | None) -> str:
    """Return a sentence on the rows of electromagnetic measurements."""
    return f"the {f'{rows} ' if rows else ''}rows are the real and the imaginary part of each frequency in turn"


def _halved(expected: Expected) -> Expected:
    """The sizes with one row for each frequency."""
    first, rows, last = expected.sizes
    return Expected((first, (rows or 0) // 2, last), expected.samples)


def _agreeing(layout: Layout, expected: Expected) -> int:
    known = (expected.samples, *expected.sizes)
    return sum(size == found for size, found in zip(known, layout.shape, strict=True))
