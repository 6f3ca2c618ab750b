"""Content of the viewer: truth, measurement, predictions, errors and deviations of a few test samples.

Invariant: all maps of a property have one colour scale, its bounds; all errors of a panel set have another one, and all
standard deviations of samples of the predictions a third one. A method is shown once, and methods are sorted by their
scores on the samples that they share. Datasets that are not on this machine are not shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from fwibench.boards.board import Line, by_setting
from fwibench.errors import DataError, RecordError
from fwibench.problem import Problem
from fwibench.report.page.images import DEVIATION, ERROR, PROPERTY, describe_measurement, draw, step_of, stops
from fwibench.report.pictures import finite
from fwibench.report.representatives import names_of, one_per_method
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.record import Record
from fwibench.samples import Split, evenly_spaced
from fwibench.text.readable import show_number
from fwibench.typing import Array32, Array64, Maps

METHODS = 12
"""Methods of a panel set, at most: those with the best scores."""
LARGE = 0.99
"""Quantile of the errors, or the deviations, of a panel set that has the last colour."""
SHARED = ("dataset", "test_dataset", "source", "split", "profile")

Representative = tuple[str, Line, Record]
"""A method: its name, its line and the run that represents it."""


@dataclass(frozen=True)
class _Shown:
    """A method in the viewer: its line, the run that represents it, and its maps, deviations and scores by sample."""

    name: str
    line: Line
    record: Record
    maps: dict[str, Maps]
    deviations: dict[str, Maps]
    scores: dict[str, dict[str, float]]


class _Limits(NamedTuple):
    """Values at the ends of the colour scales of errors and deviations; None without deviations."""

    error: float
    deviation: float | None


def list_panel_sets(sources: Sources, most: int) -> list[dict[str, Any]]:
    """Return a set of panels for each dataset, split and profile with predictions, as values of JSON.

    Args:
        sources: The results.
        most: Number of samples of a set, at most.
    """
    found: dict[tuple[str, ...], list[Representative]] = {}
    for lines in by_setting(sources.board.lines).values():
        for one in _represent(sources, lines):
            key = (*(str(one[1].row[name]) for name in SHARED), one[1].setting.budget)
            found.setdefault(key, []).append(one)
    scores = {run.run_id: line.row.score for line in sources.shared.lines for run in sources.runs_of(line.row)}
    return [_panel_set(sources, representatives, scores, most) for representatives in found.values()]


def _represent(sources: Sources, lines: Sequence[Line]) -> list[Representative]:
    """Each method of a setting once, under a unique name."""
    able = (line for line in lines if line.samples is not None and line.row.score is not None)
    pairs = one_per_method((line, sources.runs_of(line.row)[0]) for line in able)
    names = names_of([line for line, _ in pairs], [record for _, record in pairs])
    return [(name, line, record) for name, (line, record) in zip(names, pairs, strict=True)]


def _panel_set(
    sources: Sources, representatives: list[Representative], scores: Mapping[str, float | None], most: int
) -> dict[str, Any]:
    """A set of panels.

    Args:
        sources: The results.
        representatives: Methods of all tracks.
        scores: Scores of the ranking metric by run, on the samples that all methods of a track share.
        most: Number of samples, at most.
    """
    ranking = sources.columns.ranking
    shown = sorted(representatives, key=lambda one: ranking.order(scores.get(one[2].run_id) or one[1].row.score or 0.0))
    # a method that starts from the truth does not show which samples are hard
    name, best, record = next((one for one in shown if one[1].row["track"] == "standard"), shown[0])
    shown = shown[:METHODS]
    content: dict[str, Any] = {column: best.row[column] for column in SHARED}
    content["budget"] = best.setting.budget
    content["tracks"] = list(dict.fromkeys(line.row["track"] for _, line, _ in shown))
    dataset = sources.dataset(record.cell)
    content["left_out"] = max(len(representatives) - METHODS, 0)
    if dataset is None:
        return {**content, "missing": f"The samples of {content['dataset']} are not on this machine."}
    chosen, worst = choose([line.samples.ids for _, line, _ in shown if line.samples], best, most)
    methods = list(_methods(sources, shown, chosen))
    test = dataset.split(record.cell.scored_on.split, "test")
    try:
        samples, limits = _samples(test, dataset.problem, methods, chosen)
    except DataError as error:
        sources.add_fault(error.message)
        return {**content, "missing": f"The samples of {content['dataset']} cannot be read."}
    return {
        **content,
        **_scales(dataset.problem, limits),
        "ranking": ranking.title,
        "better": ranking.better,
        "methods": [_describe(one) for one in methods],
        "samples": [
            {**sample, "note": f"the largest error of {name}" if sample["id"] == worst else ""} for sample in samples
        ],
    }


def choose(ids: Sequence[Sequence[str]], best: Line, most: int) -> tuple[list[str], str]:
    """Return samples to show, and the worst one of the best method.

    They are spread evenly over those that most methods were scored on, in the order of the test split.

    Args:
        ids: Ids of the samples of each method.
        best: The method with the best score.
        most: Number of samples, at most.
    """
    counts = Counter(chain.from_iterable(ids))
    longest = max(ids, key=len)
    shared = [sample for sample in longest if counts[sample] == max(counts.values())]
    positions = evenly_spaced(len(shared), most)
    chosen = [shared[content] for content in positions]
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


def _methods(sources: Sources, representatives: Sequence[Representative], chosen: Sequence[str]) -> Iterator[_Shown]:
    """Read the methods one by one, and keep only the maps that are shown."""
    for name, line, record in representatives:
        predictions = sources.predictions(record)
        if predictions is None:
            continue
        positions = {sample: content for content, sample in enumerate(predictions.ids)}
        rows = {sample: positions[sample] for sample in chosen if sample in positions}
        maps = {sample: predictions.maps[row, 0].copy() for sample, row in rows.items()}
        drawn = sources.samples(record, predictions)
        deviations = {} if drawn is None else {sample: drawn.deviation([row])[0, 0] for sample, row in rows.items()}
        yield _Shown(name, line, record, maps, deviations, _scores(sources, record, chosen))


def _scores(sources: Sources, record: Record, chosen: Sequence[str]) -> dict[str, dict[str, float]]:
    try:
        scores = sources.results.scores(record)
    except RecordError:
        return {}
    positions = {sample: content for content, sample in enumerate(scores.ids)}
    return {
        sample: {
            name: float(scores.values[name][positions[sample]])
            for name in sources.columns.metrics
            if name in scores.values and np.isfinite(scores.values[name][positions[sample]])
        }
        for sample in chosen
        if sample in positions
    }


def _samples(
    test: Split, problem: Problem, methods: Sequence[_Shown], chosen: Sequence[str]
) -> tuple[list[dict[str, Any]], _Limits]:
    """The samples, and the ends of the colour scales."""
    numbers = {sample: number for number, sample in enumerate(test.ids)}
    step = step_of(problem.grid.shape)
    truths = {sample: finite(test.properties[numbers[sample]][0]) for sample in chosen if sample in numbers}
    sizes = [
        np.abs(one.maps[sample] - truth)[::step, ::step].ravel()
        for sample, truth in truths.items()
        for one in methods
        if sample in one.maps and one.maps[sample].shape == truth.shape
    ]
    spreads = [found[::step, ::step].ravel() for one in methods for found in one.deviations.values()]
    limits = _Limits(_limit(sizes), _limit(spreads) if spreads else None)
    bounds = problem.property
    return [
        {
            "id": sample,
            "truth": draw(truth[::step, ::step], bounds.low, bounds.high, PROPERTY),
            "measurement": describe_measurement(test.measurements[numbers[sample]], problem),
            "predictions": [_prediction(one, sample, truth, problem, limits) for one in methods],
        }
        for sample, truth in truths.items()
    ], limits


def _limit(values: Sequence[Array32 | Array64]) -> float:
    """The value with the last colour; 1 if there is none."""
    limit = float(np.quantile(np.concatenate(values), LARGE)) if values else 0.0
    return limit if np.isfinite(limit) and limit > 0 else 1.0


def _prediction(one: _Shown, sample: str, truth: Array64, problem: Problem, limits: _Limits) -> dict[str, Any] | None:
    """A method's prediction of a sample; None without one, or if its shape differs from the truth."""
    found = one.maps.get(sample)
    if found is None or found.shape != truth.shape:
        return None
    bounds, step = problem.property, step_of(problem.grid.shape)
    columns, scores = one.line.row.columns, one.scores.get(sample, {})
    spread = one.deviations.get(sample)
    thinned = None if spread is None else spread[::step, ::step]
    return {
        "image": draw(found[::step, ::step], bounds.low, bounds.high, PROPERTY),
        "error": draw((found - truth)[::step, ::step], -limits.error, limits.error, ERROR),
        "deviation": None if thinned is None else draw(thinned, 0, limits.deviation or 1.0, DEVIATION),
        "score": scores.get(columns.ranking.metric),
        "scores": [
            [column.title, f"{show_number(scores[name])} {column.unit(bounds.unit)}".strip()]
            for name, column in columns.metrics.items()
            if name in scores
        ],
    }


def _scales(problem: Problem, limits: _Limits) -> dict[str, Any]:
    grid, bounds = problem.grid, problem.property
    return {
        "name": bounds.name,
        "unit": bounds.unit,
        "low": f"{bounds.low:g}",
        "high": f"{bounds.high:g}",
        "limit": show_number(limits.error, 3),
        "deviation_limit": None if limits.deviation is None else show_number(limits.deviation, 3),
        "colours": stops(PROPERTY),
        "error_colours": stops(ERROR),
        "deviation_colours": stops(DEVIATION),
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
