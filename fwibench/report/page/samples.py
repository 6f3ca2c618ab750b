"""What the viewer of samples shows: truth, measurement, predictions and errors of a few test samples.

Invariant: maps of one property have one scale, its bounds; errors of one place have one scale too. A method is shown
once, and methods are put in order by the samples that they share. Nothing is shown of a dataset that is not on this
machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from fwibench.boards.board import Line, by_setting
from fwibench.errors import DataError, RecordError
from fwibench.problem import Problem
from fwibench.report.material import Material
from fwibench.report.page.images import ERROR, PROPERTY, draw, step_of, stops
from fwibench.report.page.measured import describe_measurement
from fwibench.report.pictures import finite
from fwibench.report.standing import names_of, once
from fwibench.runs.artefacts.record import Record
from fwibench.samples import Split, evenly_spaced
from fwibench.text.readable import show_number
from fwibench.typing import Array64, Maps

METHODS = 12
"""Shown at most of a place: the methods are those of the lowest error."""
LARGE = 0.99
"""Quantile of the errors of a place that has the last colour."""
PLACE = ("dataset", "source", "split", "profile")

Standing = tuple[str, Line, Record]
"""A method: its name, its row and the run that stands for it."""


@dataclass(frozen=True)
class _Shown:
    """A method in the viewer: its row, the run that stands for it, its maps `(n, Z, X)` and scores by sample."""

    name: str
    line: Line
    record: Record
    maps: dict[str, Maps]
    scores: dict[str, dict[str, float]]


def list_places(material: Material, most: int) -> list[dict[str, Any]]:
    """Each place that has predictions, as JSON can hold it.

    Args:
        material: The results.
        most: Samples of a place that are shown.
    """
    places: dict[tuple[str, ...], list[Standing]] = {}
    for lines in by_setting(material.board.lines).values():
        for one in _stand(material, lines):
            places.setdefault(tuple(str(one[1].row[name]) for name in PLACE), []).append(one)
    scores = {run.run_id: line.row.score for line in material.shared.lines for run in material.runs_of(line.row)}
    return [_place(material, standing, scores, most) for standing in places.values()]


def _stand(material: Material, lines: Sequence[Line]) -> list[Standing]:
    """Each method of a place and track once, under a name of its own."""
    able = (line for line in lines if line.samples is not None and line.row.score is not None)
    pairs = once((line, material.runs_of(line.row)[0]) for line in able)
    names = names_of([line for line, _ in pairs], [record for _, record in pairs])
    return [(name, line, record) for name, (line, record) in zip(names, pairs, strict=True)]


def _place(
    material: Material, standing: list[Standing], scores: Mapping[str, float | None], most: int
) -> dict[str, Any]:
    """A place with its methods.

    Args:
        material: The results.
        standing: Methods of all its tracks.
        scores: Score that ranks, on the samples that all methods of a track share, by run.
        most: Samples that are shown.
    """
    ranking = material.columns.ranking
    shown = sorted(standing, key=lambda one: ranking.order(scores.get(one[2].run_id) or one[1].row.score or 0.0))
    # a method that was given the truth to start from does not say which samples are hard
    name, best, record = next((one for one in shown if one[1].row["track"] == "standard"), shown[0])
    shown = shown[:METHODS]
    place: dict[str, Any] = {column: best.row[column] for column in PLACE}
    place["tracks"] = list(dict.fromkeys(line.row["track"] for _, line, _ in shown))
    dataset = material.dataset(record.cell)
    place["left_out"] = max(len(standing) - METHODS, 0)
    if dataset is None:
        return {**place, "missing": f"The samples of {place['dataset']} are not on this machine."}
    chosen, worst = choose([line.samples.ids for _, line, _ in shown if line.samples], best, most)
    methods = list(_methods(material, shown, chosen))
    test = dataset.split(record.cell.split, "test")
    try:
        samples, limit = _samples(test, dataset.problem, methods, chosen)
    except DataError as error:
        material.tell(error.message)
        return {**place, "missing": f"The samples of {place['dataset']} cannot be read."}
    return {
        **place,
        **_scales(dataset.problem, limit),
        "ranking": ranking.title,
        "better": ranking.better,
        "methods": [_describe(one) for one in methods],
        "samples": [
            {**sample, "note": f"the largest error of {name}" if sample["id"] == worst else ""} for sample in samples
        ],
    }


def choose(ids: Sequence[Sequence[str]], best: Line, most: int) -> tuple[list[str], str]:
    """Samples to show, and which of them is the worst of the best method.

    They are spread evenly over those that most methods were scored on, in the order of the test split.

    Args:
        ids: Of the samples, by method.
        best: The method of the lowest error.
        most: Samples to show.
    """
    counts = Counter(chain.from_iterable(ids))
    longest = max(ids, key=len)
    shared = [sample for sample in longest if counts[sample] == max(counts.values())]
    places = evenly_spaced(len(shared), most)
    chosen = [shared[place] for place in places]
    ranking = best.row.columns.ranking
    if best.samples is None or ranking.metric not in best.samples.values:
        return chosen, ""
    scores = best.samples.over_seeds(ranking.metric)
    if not np.isfinite(scores).any():
        return chosen, ""
    worst = best.samples.ids[int(np.nanargmax(scores if ranking.better == "low" else -scores))]
    if worst not in chosen:
        nearest = longest.index(worst) if worst in longest else 0
        gaps = [abs(longest.index(sample) - nearest) for sample in chosen]
        if len(chosen) < most:
            chosen.append(worst)
        else:
            chosen[int(np.argmin(gaps))] = worst
    return chosen, worst


def _methods(material: Material, standing: Sequence[Standing], chosen: Sequence[str]) -> Iterator[_Shown]:
    """Reads one run of each method at a time, and keeps the maps that are shown."""
    for name, line, record in standing:
        predictions = material.predictions(record)
        if predictions is None:
            continue
        places = {sample: place for place, sample in enumerate(predictions.ids)}
        maps = {sample: predictions.maps[places[sample], 0].copy() for sample in chosen if sample in places}
        yield _Shown(name, line, record, maps, _scores(material, record, chosen))


def _scores(material: Material, record: Record, chosen: Sequence[str]) -> dict[str, dict[str, float]]:
    try:
        scores = material.results.scores(record)
    except RecordError:
        return {}
    places = {sample: place for place, sample in enumerate(scores.ids)}
    return {
        sample: {
            name: float(scores.values[name][places[sample]])
            for name in material.columns.metrics
            if name in scores.values and np.isfinite(scores.values[name][places[sample]])
        }
        for sample in chosen
        if sample in places
    }


def _samples(
    test: Split, problem: Problem, methods: Sequence[_Shown], chosen: Sequence[str]
) -> tuple[list[dict[str, Any]], float]:
    """The samples and the largest error that has a colour of its own."""
    numbers = {sample: number for number, sample in enumerate(test.ids)}
    step = step_of(problem.grid.shape)
    truths = {sample: finite(test.properties[numbers[sample]][0]) for sample in chosen if sample in numbers}
    sizes = [
        np.abs(one.maps[sample] - truth)[::step, ::step].ravel()
        for sample, truth in truths.items()
        for one in methods
        if sample in one.maps and one.maps[sample].shape == truth.shape
    ]
    limit = float(np.quantile(np.concatenate(sizes), LARGE)) if sizes else 0.0
    limit = limit if np.isfinite(limit) and limit > 0 else 1.0
    bounds = problem.property
    return [
        {
            "id": sample,
            "truth": draw(truth[::step, ::step], bounds.low, bounds.high, PROPERTY),
            "measurement": describe_measurement(test.measurements[numbers[sample]], problem),
            "predictions": [_prediction(one, sample, truth, problem, limit) for one in methods],
        }
        for sample, truth in truths.items()
    ], limit


def _prediction(one: _Shown, sample: str, truth: Array64, problem: Problem, limit: float) -> dict[str, Any] | None:
    """What a method made of a sample; None where it was not asked, or its maps are of another shape."""
    found = one.maps.get(sample)
    if found is None or found.shape != truth.shape:
        return None
    bounds, step = problem.property, step_of(problem.grid.shape)
    columns, scores = one.line.row.columns, one.scores.get(sample, {})
    return {
        "image": draw(found[::step, ::step], bounds.low, bounds.high, PROPERTY),
        "error": draw((found - truth)[::step, ::step], -limit, limit, ERROR),
        "score": scores.get(columns.ranking.metric),
        "scores": [
            [column.title, f"{show_number(scores[name])} {column.unit(bounds.unit)}".strip()]
            for name, column in columns.metrics.items()
            if name in scores
        ],
    }


def _scales(problem: Problem, limit: float) -> dict[str, Any]:
    grid, bounds = problem.grid, problem.property
    return {
        "name": bounds.name,
        "unit": bounds.unit,
        "low": f"{bounds.low:g}",
        "high": f"{bounds.high:g}",
        "limit": show_number(limit, 3),
        "colours": stops(PROPERTY),
        "error_colours": stops(ERROR),
        "rows": grid.nz,
        "columns": grid.nx,
        "depth": (grid.nz - 1) * grid.spacing / 1e3,
        "width": (grid.nx - 1) * grid.spacing / 1e3,
        "step": step_of(grid.shape),
    }


def _describe(one: _Shown) -> dict[str, Any]:
    row = one.line.row
    return {
        "name": one.name,
        "track": row["track"],
        "seed": one.record.cell.seed if row["seeds"] and row["seeds"] > 1 else None,
        "run": one.record.run_id,
    }
