"""The card of a dataset: one page with all that should be known before its numbers are trusted."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from fwibench.datasets.base import Dataset
from fwibench.datasets.details import Detail, describe_problem, describe_splits
from fwibench.errors import UsageError
from fwibench.files.atomic import atomic_write, write_text
from fwibench.report.map_table import Table, compare_maps
from fwibench.report.pictures import draw_samples
from fwibench.report.statistics import Statistics, describe_samples

FORMATS = {".md": "card.md.jinja", ".html": "card.html.jinja"}


@dataclass(frozen=True)
class Card:
    """A dataset described.

    Attributes:
        title: Its name, with its variant.
        summary: One line.
        sections: Headings, each with labelled lines.
        maps: What the maps are like: a header and rows, with a column for this dataset and one for each published
            set of maps.
        caveats: What to know before results are trusted.
    """

    title: str
    summary: str
    sections: dict[str, list[Detail]]
    maps: Table
    caveats: tuple[str, ...]


def make_card(dataset: Dataset) -> Card:
    """Collects the facts and reads samples for the statistics; the dataset must be prepared."""
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
    """Writes a page.

    Args:
        card: From `make_card`.
        dataset: For the picture.
        path: `.md`, with the picture as a PNG beside it, or `.html`, one file with everything in it.

    Raises:
        UsageError: Another suffix.
    """
    from jinja2 import Environment, PackageLoader, select_autoescape

    if path.suffix not in FORMATS:
        raise UsageError(f"{path} ends in '{path.suffix}', expected {' or '.join(FORMATS)}", "choose one of these")
    picture = draw_samples(dataset.split(dataset.spec.schemes[0], "test"), dataset.problem)
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
    """A number, or nothing where there are no training maps; lines without a value are left out."""
    return "" if value is None else f"{value:.4g}"
