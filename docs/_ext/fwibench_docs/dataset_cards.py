"""A page for each built-in dataset: the problem, splits and caveats from the code, statistics from a stored file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fwibench_docs import markdown
from fwibench_docs.code import (
    PROFILES,
    Dataset,
    DatasetSpec,
    built_in,
    describe_problem,
    describe_splits,
    open_built_in,
)
from fwibench_docs.results import recorded_table

MEASURED = Path(__file__).parents[2] / "datasets" / "measured"
"""A JSON file and a picture for each dataset whose samples were read; see `fwibench_docs.measured`."""


class StaleCardError(Exception):
    """The stored statistics belong to other samples than those that the code makes now."""


def dataset_pages() -> dict[str, str]:
    """Return the card of each dataset, by name."""
    return {name: card(name) for name in built_in().datasets}


def datasets_table() -> str:
    """Return a table of all datasets, with links to their cards."""
    rows = []
    for name, offer in built_in().datasets.items():
        sizes = [f"{open_built_in(name, profile).size:,}" for profile in PROFILES]
        rows.append((f"[{name}](cards/{name}.md)", offer.spec.summary, *sizes))
    header = ("dataset", "what it is", *(f"samples, `{profile}`" for profile in PROFILES))
    return markdown.table(header, rows, align_right=(2, 3, 4))


def card(name: str) -> str:
    """Return the card of one dataset.

    Args:
        name: A built-in dataset.

    Raises:
        StaleCardError: The stored statistics have another fingerprint than the dataset.
    """
    spec = built_in().dataset(name).spec
    dataset = open_built_in(name, "quick")
    measured = read_measured(dataset)
    sections = [f"{spec.summary[:1].upper()}{spec.summary[1:]}."]
    if measured:
        sections.append(f"![Four test samples: maps above, one shot or field of each below](../measured/{name}.png)")
    sections += [
        f"```console\n$ fwibench data prepare {name}\n$ fwibench run --methods invlint --dataset {name}\n```",
        "## Origin",
        markdown.facts(_origin(spec)),
        "## Problem",
        markdown.facts(describe_problem(dataset.problem)),
        "## Splits",
        _splits(name),
        "## Options",
        _options(spec),
    ]
    sections += _statistics(measured, dataset) if measured else []
    sections += ["## Caveats", *(f"- {caveat}" for caveat in spec.caveats)] if spec.caveats else []
    results = recorded_table("dataset", name, "method")
    sections += ["## Results", results] if results else []
    return markdown.page(name, *sections)


def read_measured(dataset: Dataset) -> dict[str, Any]:
    """Return the stored statistics of a dataset; empty if there are none.

    Args:
        dataset: In the profile `quick`.

    Raises:
        StaleCardError: They have another fingerprint than the dataset.
    """
    path = MEASURED / f"{dataset.spec.name}.json"
    if not path.is_file():
        return {}
    measured: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if measured["fingerprint"] != dataset.fingerprint[:16]:
        raise StaleCardError(
            f"{path} has the statistics of samples with fingerprint {measured['fingerprint']}, "
            f"now it is {dataset.fingerprint[:16]}: run make cards"
        )
    return measured


def _origin(spec: DatasetSpec) -> Iterator[tuple[str, str]]:
    made = "simulated by fwibench" if spec.source == "synthetic" else "original files"
    yield "source", f"{spec.source}: {made}"
    yield "reference", spec.reference
    yield "licence", spec.licence or "none needed: the samples are made on your machine"
    yield "version", spec.version


def _splits(name: str) -> str:
    rows = []
    for profile in PROFILES:
        for label, text in describe_splits(open_built_in(name, profile)):
            rows.append((profile, label.removeprefix("split "), text))
    return markdown.table(("profile", "split scheme", "samples"), rows)


def _options(spec: DatasetSpec) -> str:
    rows = [
        (markdown.code(name), markdown.code(field.get_default(call_default_factory=True)), field.description or "")
        for name, field in spec.options.model_fields.items()
    ]
    return markdown.table(("option", "default", "meaning"), rows)


def _statistics(measured: dict[str, Any], dataset: Dataset) -> Iterator[str]:
    yield "## Statistics"
    yield (
        f"Measured on the samples of profile `{measured['profile']}`, split `{dataset.spec.schemes[0]}`, "
        f"fingerprint `{measured['fingerprint']}`."
    )
    yield markdown.facts(measured["statistics"])
    maps = measured["maps"]
    yield "## Maps compared with published ones" if len(maps["header"]) > 2 else "## Maps"
    yield markdown.table(maps["header"], maps["rows"], align_right=range(1, len(maps["header"])))
    yield from maps["notes"]
