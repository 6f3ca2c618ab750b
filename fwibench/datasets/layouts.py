"""What the shape of an array of measurements means: which axes are samples, sources, time or frequencies, receivers.

Invariant: `data add` and `predict` read the same shape in the same way. A reading that is not the only possible one
is told in a note, and one that cannot be is an error that says which axes, and what to do.
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
    """What is known of measurements before their shape is read.

    Attributes:
        sizes: Sources, rows (time samples, or twice the number of frequencies) and receivers of a sample; None where
            the size is not known.
        samples: Number of samples, such as that of the maps; None if it is not known.
        em: Whether the rows are real and imaginary parts of frequencies.
        advice: What to do about another size, for the hint of an error.
    """

    sizes: tuple[int | None, int | None, int | None]
    samples: int | None = None
    em: bool = False
    advice: str = ""

    @classmethod
    def of(cls, problem: Problem) -> Expected:
        """Return what a problem expects; any number of samples."""
        survey = problem.survey
        if isinstance(survey, ElectromagneticSurvey):
            frequencies = ", ".join(f"{frequency:g}" for frequency in survey.frequencies)
            return cls(problem.measurement_shape, None, True, f"the method knows one survey alone, of {frequencies} Hz")
        advice = (
            f"the method knows one survey alone: interpolate to its receivers and to {survey.nt} samples of "
            f"{survey.dt:g} s"
        )
        return cls(problem.measurement_shape, None, False, advice)

    @property
    def names(self) -> tuple[str, str, str]:
        """Names of the three axes of a sample."""
        return "sources", "rows" if self.em else "time samples", "receivers"

    @property
    def text(self) -> str:
        """The shape in words, `n`, `S`, `T` and so on where a size is not known."""
        letters = ("S", "2 F" if self.em else "T", "R")
        sizes = (letter if size is None else str(size) for size, letter in zip(self.sizes, letters, strict=True))
        n = "n" if self.samples is None else str(self.samples)
        return f"({n}, {', '.join(sizes)}): samples, {', '.join(self.names)}"

    def fits(self, shape: Shape) -> bool:
        """Whether `(n, S, T, R)` has the sizes that are known."""
        known = (self.samples, *self.sizes)
        return len(shape) == 4 and all(size in (None, found) for size, found in zip(known, shape, strict=True))


class Layout(NamedTuple):
    """A reading of a shape.

    Attributes:
        shape: `(n, S, T, R)`; an array is brought to it by `reshape`, which moves no value.
        note: How the shape was understood; empty where it has all four axes.
    """

    shape: tuple[int, int, int, int]
    note: str


def read_layout(where: str, shape: Shape, expected: Expected) -> Layout:
    """Find out which axis of an array of measurements is which.

    Args:
        where: Name of the array, which errors start with.
        shape: Shape of the array.
        expected: What is known beforehand.

    Returns:
        The only reading that fits; of several, the one of the most samples.

    Raises:
        ProblemError: None fits; names the axes that differ, or the transposition that would fit.
    """
    readings = _readings(shape)
    fitting = [one for one in readings if expected.fits(one.shape)]
    if not fitting:
        raise _misfit(where, shape, expected, readings)
    found = fitting[0]
    if 0 in found.shape:
        raise ProblemError(f"{where} has no samples" if found.shape[0] == 0 else f"{where} is empty: shape {shape}")
    return found


def _readings(shape: Shape) -> list[Layout]:
    """All readings of a shape, whatever is expected."""
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


def _misfit(where: str, shape: Shape, expected: Expected, readings: list[Layout]) -> ProblemError:
    what = f"{where} has shape {shape}, expected {expected.text}"
    if not readings:
        return ProblemError(what, ACCEPTED)
    if order := transposition(shape, expected):
        # what stands at each place of the file
        described = ("samples", *expected.names)[-len(shape) :]
        found = ", ".join(described[order.index(place)] for place in range(len(shape)))
        return ProblemError(
            f"{where} has its axes in another order: shape {shape} is {found}; expected {expected.text}",
            f"save array.transpose({order})",
        )
    rows = expected.sizes[1]
    if expected.em and rows is not None and any(_halved(expected).fits(one.shape) for one in readings):
        return ProblemError(f"{what}; it has {rows // 2} rows for {rows // 2} frequencies", parts_advice(rows))
    several = expected.samples not in (None, 1)
    nearest = max(readings, key=lambda one: (_agreeing(one, expected), (one.shape[0] > 1) == several))
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
        expected: What is known; sizes that are not known fit any axis, so at least two must be known.

    Returns:
        Arguments of `numpy.transpose`; empty if no other order fits, or too little is known to tell.
    """
    known = sum(size is not None for size in expected.sizes)
    if len(shape) < 3 or known < 2:
        return ()
    places = range(len(shape))

    def fits(order: tuple[int, ...]) -> bool:
        turned = tuple(shape[place] for place in order)
        return expected.fits(turned if len(turned) == 4 else (1, *turned))

    fitting = [one for one in permutations(places) if fits(one)]
    return min(fitting, key=lambda one: sum(i != place for place, i in enumerate(one)), default=())


def complex_advice(axes: int, expected: Expected) -> str:
    """Return how complex measurements are saved as real ones.

    Args:
        axes: Axes of the array.
        expected: What is known of the measurements.
    """
    if not expected.em:
        return "seismic measurements are real: save array.real if the imaginary part means nothing"
    u = "array" if axes == 4 else "array[None]"
    unknown = ("u.shape[1]", "-1", "u.shape[3]")
    sizes = ", ".join(text if size is None else str(size) for size, text in zip(expected.sizes, unknown, strict=True))
    stacked = f"numpy.stack([u.real, u.imag], axis=3).reshape(len(u), {sizes})"
    return f"{parts_advice(expected.sizes[1])}: with u = {u} of (n, sources, frequencies, receivers), save {stacked}"


def parts_advice(rows: int | None) -> str:
    """Return what the rows of electromagnetic measurements are."""
    return f"the {f'{rows} ' if rows else ''}rows are the real and the imaginary part of each frequency in turn"


def _halved(expected: Expected) -> Expected:
    """Return the same with one row for a frequency."""
    first, rows, last = expected.sizes
    return Expected((first, (rows or 0) // 2, last), expected.samples)


def _agreeing(layout: Layout, expected: Expected) -> int:
    known = (expected.samples, *expected.sizes)
    return sum(size == found for size, found in zip(known, layout.shape, strict=True))
