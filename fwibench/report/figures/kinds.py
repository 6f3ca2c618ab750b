"""All kinds of figures, and the figures that can be drawn of some results.

Invariant: names are unique, so that no figure overwrites another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from fwibench.boards.board import Line
from fwibench.errors import UnknownNameError
from fwibench.report.figures.convergence import list_convergence
from fwibench.report.figures.cost import list_cost
from fwibench.report.figures.drawing import Drawing
from fwibench.report.figures.errors import list_errors
from fwibench.report.figures.panels import list_panels
from fwibench.report.figures.resolution import list_resolution
from fwibench.report.figures.spectrum import list_spectrum
from fwibench.report.figures.training import list_training
from fwibench.report.sources import Sources

KINDS: dict[str, Callable[[Sources, Sequence[Line]], list[Drawing]]] = {
    "panels": list_panels,
    "training": list_training,
    "cost": list_cost,
    "errors": list_errors,
    "convergence": list_convergence,
    "resolution": list_resolution,
    "spectrum": list_spectrum,
}


def list_drawings(sources: Sources, kinds: Sequence[str] = (), samples: Sequence[str] = ()) -> list[Drawing]:
    """Return the figures that can be drawn, kind by kind in the order of `KINDS`.

    Args:
        sources: The results; what cannot be read is added to its `faults`.
        kinds: Kinds of figures; an empty list selects every kind.
        samples: Ids of the test samples to show in panels; an empty list selects a few.

    Raises:
        UnknownNameError: There is no such kind or sample.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError.among("kind of figure", kind, KINDS)
    lines = sources.board.lines
    for line in lines:
        if line.row["status"] == "ok" and line.samples is None:
            sources.add_fault(
                f"{line.label} in {line.setting.title} has no readable scores and is left out of some figures"
            )
    known = {sample for line in lines if line.samples is not None for sample in line.samples.ids}
    for sample in samples:
        if sample not in known:
            raise UnknownNameError.among("test sample in these results", sample, known)
    made: list[Drawing] = []
    for kind in KINDS:
        if not kinds or kind in kinds:
            made += list_panels(sources, lines, samples) if kind == "panels" else KINDS[kind](sources, lines)
    return _distinct(made)


def _distinct(drawings: Sequence[Drawing]) -> list[Drawing]:
    taken: set[str] = set()
    found = []
    for drawing in drawings:
        name, number = drawing.name, 1
        while name in taken:
            number += 1
            name = f"{drawing.name}-{number}"
        taken.add(name)
        found.append(replace(drawing, name=name))
    return found
