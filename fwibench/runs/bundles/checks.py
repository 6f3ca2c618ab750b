"""Checks of one entry of a bundle. Each returns a sentence for every reason to reject the entry; none if it passes.

Plausibility has limits that no honest run reaches: they find mistakes and clumsy forgeries. What a method was trained
on, or by whom its costs were measured, no file can prove.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from fwibench.errors import DataError
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.differences import TOLERANCE
from fwibench.runs.artefacts.record import EXTERNAL
from fwibench.runs.bundles.reading import Entry
from fwibench.runs.bundles.rounding import largest_rounding
from fwibench.runs.bundles.samples import Truth
from fwibench.runs.external.checks import check_values
from fwibench.runs.opening.methods import rows_at_once
from fwibench.runs.scoring.score import pool_scores, score
from fwibench.specs.metric import MetricSpec
from fwibench.text.readable import list_names, show_number
from fwibench.typing import Array64, Maps

TRACKS = ("standard", "oracle-start", "extra-data")
NAMES_SHOWN = 3
FASTEST_THREAD = 1e12
"""Most FLOP/s of one CPU thread; today's best compute a fifth of that in float32."""
FASTEST_DEVICE = 1e17
"""Most FLOP/s of one device; today's best compute a twentieth of that in 8 bits."""


def check_record(entry: Entry, registry: Registry) -> Iterator[str]:
    """Check status, environment, kind and track.

    Args:
        entry: The entry.
        registry: Registry of the methods; a method that it does not have is what its record says.
    """
    record, cell = entry.record, entry.record.cell
    if record.status != "ok":
        yield f"its status is {record.status}, expected ok"
    packages = record.environment.get("packages") or {}
    if not packages or not all(isinstance(version, str | None) for version in packages.values()):
        yield "its environment names no packages, or versions that are no texts"
    if record.track not in TRACKS:
        yield f"its track is {record.track or 'empty'}, expected {', '.join(TRACKS)}"
    if cell.external and (record.kind != EXTERNAL or record.origin is None):
        yield f"its predictions were made elsewhere, but its kind is {record.kind or 'empty'}, or its origin is absent"
    if record.origin is not None and not cell.external:
        yield "it states where its predictions were made, but is the result of a run"
    offer = registry.methods.get(cell.method)
    if offer is None:
        return
    # evaluated models have that kind too
    if record.kind == EXTERNAL:
        yield f"{cell.method} is the name of a method of {offer.plugin.name}, which did not make its predictions"
    elif not cell.plugin and record.kind != offer.spec.kind:
        yield f"its kind is {record.kind or 'empty'}, {cell.method} is {offer.spec.kind}"
    elif not cell.plugin and offer.spec.track != "standard" and record.track == "standard":
        yield f"its track is standard, that of {cell.method} is {offer.spec.track}"


def check_costs(entry: Entry) -> Iterator[str]:
    """Check that costs are possible, and stated where predictions were made elsewhere."""
    record = entry.record
    costs, size = record.costs, record.complexity
    if record.has_costs and (record.costs_source == "stated") != record.cell.external:
        yield (
            f"its costs are {record.costs_source}, those of "
            f"{'predictions made elsewhere can only be stated' if record.cell.external else 'a run are measured'}"
        )
    for name in ("predict_s", "predict_ms_cpu1", "throughput_per_s"):
        if getattr(costs, name) == 0:
            yield f"{name} is 0"
    if size.macs is not None and size.flops is not None and size.flops < size.macs:
        yield f"it has {size.flops} FLOPs and {size.macs} MACs, which are two FLOPs each"
    flops = size.flops or 0
    if costs.predict_ms_cpu1 and flops > FASTEST_THREAD * costs.predict_ms_cpu1 / 1000:
        yield (
            f"{flops:.3g} FLOPs in {costs.predict_ms_cpu1:.3g} ms on one CPU thread are more than any computes "
            f"({FASTEST_THREAD:.0e} per second)"
        )
    if costs.throughput_per_s and flops * costs.throughput_per_s > FASTEST_DEVICE:
        yield (
            f"{costs.throughput_per_s:.3g} samples of {flops:.3g} FLOPs per second are more than any device computes "
            f"({FASTEST_DEVICE:.0e} FLOPs per second)"
        )
    if record.kind == "learned" and (size.parameters, size.parameters_closed_form) in ((0, 0), (0, None)):
        yield "it is learned and has no parameters"


def check_samples(entry: Entry, truth: Truth) -> Iterator[str]:
    """Check that an entry is of all test samples, each once, and of nothing else.

    Args:
        entry: The entry.
        truth: The test samples.
    """
    record, ids, test = entry.record, entry.scores.ids, truth.test
    sizes = {name: truth.dataset.split(record.cell.scored_on.split, name).ids for name in ("train", "val")}
    learned = {sample for names in sizes.values() for sample in names}
    known = set(test.ids)
    for what, names in (
        ("of train or val", [one for one in ids if one in learned]),
        ("of no test sample", [one for one in ids if one not in known and one not in learned]),
        ("missing", [one for one in test.ids if one not in set(ids)]),
    ):
        if names:
            yield f"{len(names)} ids are {what}: {list_names(names, NAMES_SHOWN)}"
    if both := [one for one in test.ids if one in learned]:
        yield f"{len(both)} test samples of the dataset are of train or val too: {list_names(both, NAMES_SHOWN)}"
    if set(ids) == known and ids != test.ids:
        yield "its ids are not in the order of the test split"
    if _groups(entry.scores.groups) != _groups(test.groups):
        yield "the groups of its samples are not those of the dataset"
    expected: dict[str, object] = {
        "n_test": len(test),
        "unit": truth.problem.property.unit,
        "source": truth.dataset.source,
    }
    if not record.cell.external and record.cell.tested_on is None:
        expected |= {"n_train": len(sizes["train"]), "n_val": len(sizes["val"])}
    for name, value in expected.items():
        if (found := getattr(record, name)) not in (None, value):
            yield f"its {name} is {found}, that of the dataset is {value}"
    if entry.shape[1:] != truth.problem.property_shape:
        yield f"its maps are {entry.shape[1:]}, those of the dataset {truth.problem.property_shape}"


def check_metrics(entry: Entry, specs: Iterable[MetricSpec]) -> Iterator[str]:
    """Check that an entry has scores of all default metrics, of the versions of this installation.

    Args:
        entry: The entry.
        specs: Metrics of this installation that score predictions.
    """
    stated, known = entry.about.metrics, {spec.name: spec for spec in specs}
    for what, found in (("record", entry.record.scores), ("scores.csv", entry.scores.values)):
        if set(found) != set(stated):
            yield f"its {what} has scores of {', '.join(found) or 'nothing'}, the manifest of {', '.join(stated)}"
    for name, spec in known.items():
        if spec.default and name not in stated:
            yield f"it has no score of {name}"
        elif stated.get(name, spec.version) != spec.version:
            yield f"{name} has version {stated[name]}, expected {spec.version}: bundle the run again with this version"


def check_predictions(entry: Entry, maps: Maps, truth: Truth) -> Iterator[str]:
    """Check that predictions are finite, in the unit of the property, and not the truth.

    Args:
        entry: The entry.
        maps: Its predictions.
        truth: The test samples.
    """
    try:
        check_values(maps, truth.test.ids, truth.problem.property, "predictions.npy")
    except DataError as error:
        yield error.message.removeprefix("predictions.npy: ")
        return
    if exact := _count_equal(maps, entry.about.scale, truth):
        yield f"{exact} of {len(maps)} maps are the truth, up to the rounding, which no inversion reaches"


def check_scores(entry: Entry, maps: Maps, truth: Truth, registry: Registry) -> Iterator[str]:
    """Compute all scores again, of each sample and over all samples.

    Args:
        entry: The entry, of these samples and metrics.
        maps: Its predictions.
        truth: The test samples.
        registry: Registry of the metrics.
    """
    scores, failures = score(maps, truth.test, list(entry.scores.values), registry, truth.problem)
    yield from failures
    for name, values in scores.values.items():
        wrong = np.flatnonzero(~agree(entry.scores.values[name], values))
        if len(wrong):
            first = wrong[0]
            yield (
                f"{name} of {len(wrong)} of {len(values)} samples is not that of its predictions: "
                f"{show_number(entry.scores.values[name][first], 8)} for {truth.test.ids[first]}, computed again "
                f"{show_number(values[first], 8)}"
            )
    for name, pooled in pool_scores(scores, registry).items():
        stated = entry.record.scores[name]
        if not agree(_number(stated), _number(pooled)):
            yield (
                f"{name} is {show_number(stated, 8) or 'empty'} in its record, computed again "
                f"{show_number(pooled, 8) or 'empty'}"
            )


def agree(first: Array64, second: Array64) -> NDArray[np.bool_]:
    """Return which scores agree: they are scores of the same maps, so only the order of sums may differ."""
    found: NDArray[np.bool_] = np.isclose(first, second, rtol=TOLERANCE, atol=0, equal_nan=True)
    return found


def count_same(first: Maps, second: Maps, scales: tuple[float, float]) -> int:
    """Count the maps that two entries have in common, up to their rounding.

    Args:
        first: Maps `(n, 1, Z, X)` of one entry.
        second: Maps of the other, of the same samples.
        scales: Scales of their rounding.
    """
    limit = sum(largest_rounding(maps, scale) for maps, scale in zip((first, second), scales, strict=True))
    return int((np.abs(first.astype(np.float64) - second) <= limit).all(axis=(1, 2, 3)).sum())


def _count_equal(maps: Maps, scale: float, truth: Truth) -> int:
    step, found = rows_at_once(truth.problem), 0
    for first in range(0, len(maps), step):
        rows = slice(first, first + step)
        limit = largest_rounding(maps[rows], scale)
        near = np.abs(maps[rows].astype(np.float64) - truth.test.properties[rows]) <= limit
        found += int(near.all(axis=(1, 2, 3)).sum())
    return found


def _groups(groups: tuple[str, ...]) -> tuple[str, ...]:
    """Return the group of each sample; none if every sample is a group of its own."""
    return groups if len(set(groups)) < len(groups) else ()


def _number(value: float | None) -> Array64:
    return np.array(np.nan if value is None else value, np.float64)
