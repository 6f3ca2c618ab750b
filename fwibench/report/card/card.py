"""The card of a dataset: what it holds, how it compares with published maps, and its caveats."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fwibench.datasets.base import Dataset
from fwibench.datasets.details import Detail, describe_problem, describe_splits
from fwibench.datasets.statistics import PERCENTILES, MapStatistics, least_step
from fwibench.errors import UsageError
from fwibench.files.atomic import atomic_write, write_text
from fwibench.report.canvas import render
from fwibench.report.card.statistics import Statistics, describe_samples
from fwibench.report.pictures import samples_figure
from fwibench.specs.dataset import PublishedMaps

FORMATS = {".md": "card.md.jinja", ".html": "card.html.jinja"}


Described = MapStatistics | PublishedMaps


class Table(NamedTuple):
    """Rows of the same length as the header, and lines that explain them."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """Description of a dataset.

    Attributes:
        title: Its name, with its variant.
        summary: One line.
        sections: Headings, each with labelled lines.
        maps: Statistics of the maps, with a column for this dataset and one for each published set of maps.
        caveats: What to know before results are trusted.
    """

    title: str
    summary: str
    sections: dict[str, list[Detail]]
    maps: Table
    caveats: tuple[str, ...]


def make_card(dataset: Dataset) -> Card:
    """Make the card of a prepared dataset; reads samples for the statistics."""
    spec = dataset.spec
    scheme = spec.schemes[0]
    found = describe_samples(dataset, scheme)
    made = "simulated by this suite" if dataset.source == "synthetic" else "from original files"
    about = [
        ("source", f"{dataset.source}: {made}"),
        ("reference", spec.reference),
        ("licence", dataset.licence or "none needed: the samples are made on your machine"),
        ("profile", f"{dataset.profile}, {dataset.size} samples"),
        ("fingerprint", dataset.fingerprint[:16]),
        ("folder", dataset.folder.name),
    ]
    return Card(
        title=dataset.selection,
        summary=dataset.summary,
        sections={
            "Origin": about,
            "Problem": describe_problem(dataset.problem),
            "Splits": describe_splits(dataset),
            f"Statistics ({scheme})": _statistics(found, dataset.problem.property.unit),
        },
        maps=compare_maps(found, dataset),
        caveats=(*dataset.caveats, *dataset.doubts()),
    )


def write_card(card: Card, dataset: Dataset, path: Path) -> None:
    """Write a card to a file.

    Args:
        card: The card, from `make_card`.
        dataset: The dataset, whose samples are drawn.
        path: An `.md` file, with the picture as a PNG beside it, or a self-contained `.html` file.

    Raises:
        UsageError: The file has another suffix.
    """
    from jinja2 import Environment, PackageLoader, select_autoescape

    if path.suffix not in FORMATS:
        raise UsageError(f"{path} ends in '{path.suffix}', expected {' or '.join(FORMATS)}", "choose one of these")
    picture = render(samples_figure(dataset.split(dataset.spec.schemes[0], "test"), dataset.problem))
    environment = Environment(
        loader=PackageLoader("fwibench.report"), autoescape=select_autoescape(["html.jinja"]), trim_blocks=True
    )
    if path.suffix == ".md":
        image = path.with_suffix(".png")
        with atomic_write(image) as stream:
            stream.write(picture)
        source = image.name
    else:
        source = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    write_text(path, environment.get_template(FORMATS[path.suffix]).render(card=card, picture=source) + "\n")


def compare_maps(found: Statistics, dataset: Dataset) -> Table:
    """Tabulate statistics of the training maps beside those of published maps.

    Args:
        found: Statistics of the dataset's samples.
        dataset: The dataset; without published maps in its spec, the table has one column of numbers.

    Returns:
        A row for each statistic that is known of any of the maps; unknown values are empty.
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
    rows += [(label, *(_shown(read(one)) for one in described)) for label, read in lines]
    names = ["published" if len(published) == 1 else f"published {i + 1}" for i in range(len(published))]
    notes = [
        f"A jump is a change of more than {step:.3g} {unit} between neighbouring nodes along depth; a column has one "
        "more layer than jumps. A smooth edge counts as several jumps."
    ]
    notes += [f"{name[0].upper()}{name[1:]}: {one.source}." for name, one in zip(names, published, strict=True)]
    return Table(("", "this dataset", *names), tuple(rows), tuple(notes))


def _statistics(found: Statistics, unit: str) -> list[Detail]:
    maps, measurement = found.property, found.measurement
    return [
        ("read", f"{found.samples} {'training' if found.split == 'train' else found.split} samples"),
        (
            f"property [{unit}]",
            f"{maps.low:.4g} to {maps.high:.4g}, mean {maps.mean:.4g}, deviation {maps.deviation:.4g}",
        ),
        ("measurement", f"{measurement.low:.4g} to {measurement.high:.4g}, deviation {measurement.deviation:.4g}"),
        ("scaled beyond [-1, 1]", f"{100 * found.clipped:.2g} % of the entries"),
        (f"mean training map on test, MAE [{unit}]", _shown(found.mean_map)),
        (f"nearest training map on test, MAE [{unit}]", _shown(found.nearest_map)),
    ]


def _shown(value: float | None) -> str:
    """Text of a number; empty for None."""
    return "" if value is None else f"{value:.4g}"


def _percentile(number: int) -> Callable[[Described], float | None]:
    return lambda one: one.gradients[number] if number < len(one.gradients) else None


def _percentage(one: Described) -> float | None:
    return None if one.share_above is None else 100 * one.share_above
