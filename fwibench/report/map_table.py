"""The table of a card that compares a dataset's maps with published ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fwibench.datasets.base import Dataset
from fwibench.datasets.statistics import PERCENTILES, MapStatistics, least_step
from fwibench.report.statistics import Statistics
from fwibench.specs.dataset import PublishedMaps


class Table(NamedTuple):
    """Rows of the same length as the header, and lines that explain them."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


Described = MapStatistics | PublishedMaps


def compare_maps(found: Statistics, dataset: Dataset) -> Table:
    """Tabulate what the training maps are like beside the published ones.

    Args:
        found: Of the dataset's samples.
        dataset: Whose spec names published maps; without any, the table has one column of numbers.

    Returns:
        A row for each number that is known of any of the maps; what is not known is empty.
    """
    published, bounds = dataset.spec.published_maps, dataset.problem.property
    unit, step = bounds.unit, least_step(bounds.low, bounds.high)
    above = next((one.above for one in published if one.above is not None), None)
    described: tuple[Described, ...] = (found.maps, *published)
    counts = (found.samples, *(one.count for one in published))
    lines: list[tuple[str, Callable[[Described], float | None]]] = [
        (f"mean [{unit}]", lambda one: one.mean),
        (f"deviation [{unit}]", lambda one: one.deviation),
        ("layers of a column", lambda one: one.layers),
        (f"median jump [{unit}]", lambda one: one.median_jump),
        *((f"{p:g}th percentile of the vertical change [{unit}]", _percentile(i)) for i, p in enumerate(PERCENTILES)),
    ]
    if above is not None:
        lines.insert(2, (f"share above {above:g} {unit} [%]", _percentage))
    rows = [("maps", *("" if count is None else str(count) for count in counts))]
    rows += [(label, *(_show(read(one)) for one in described)) for label, read in lines]
    names = ["published" if len(published) == 1 else f"published {i + 1}" for i in range(len(published))]
    notes = [
        f"A jump is a change of more than {step:.3g} {unit} from node to node along depth; a column has one layer more "
        "than jumps. A smooth edge makes several jumps."
    ]
    notes += [f"{name[0].upper()}{name[1:]}: {one.source}." for name, one in zip(names, published, strict=True)]
    return Table(("", "this dataset", *names), tuple(rows), tuple(notes))


def _percentile(number: int) -> Callable[[Described], float | None]:
    return lambda one: one.gradients[number] if number < len(one.gradients) else None


def _percentage(one: Described) -> float | None:
    return None if one.share_above is None else 100 * one.share_above


def _show(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
