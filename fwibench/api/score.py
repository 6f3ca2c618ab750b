"""Scores of predictions that were made elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from fwibench.api.catalogue import open_registry
from fwibench.api.datasets import make_samples
from fwibench.api.evaluation import Evaluation
from fwibench.errors import DataError
from fwibench.plugins.registry import Registry
from fwibench.runs.external.files import read_given, take_given
from fwibench.runs.external.score import blank_cell, check_name, choose_metrics, score_given
from fwibench.runs.external.statement import read_statement
from fwibench.runs.external.targets import Target, read_truth, target_of
from fwibench.runs.opening.datasets import choose_scheme, open_dataset
from fwibench.runs.planning.grammar import read_one
from fwibench.specs.dataset import Profile


class ScoreSettings(TypedDict, total=False):
    """Options of `score`; the command `fwibench score` has the same.

    Attributes:
        split: Split scheme; the dataset's first by default.
        profile: Size of the data: `smoke`, `quick` (default) or `paper`.
        seed: Number of the repetition, from 0.
        ids: Ids of the samples of an array of predictions; by default they are in the order of the test split.
        meta: TOML file with what is stated about the predictions, or its content; see `Statement`.
        truth: File with the truth, which `fwibench data export-inputs --hidden-truth` writes; by default the truth is
            that of the dataset.
        metrics: Metrics beyond the default ones.
    """

    split: str | None
    profile: Profile
    seed: int
    ids: Sequence[str] | None
    meta: str | Path | Mapping[str, Any] | None
    truth: str | Path | None
    metrics: Sequence[str]


def score(
    predictions: str | Path | NDArray[Any], dataset: str, name: str, **settings: Unpack[ScoreSettings]
) -> Evaluation:
    """Score predictions of the test samples of a dataset that were made elsewhere.

    Doubts about the predictions are warnings, and notes of the record.

    Args:
        predictions: Maps `(n, 1, Z, X)` or `(n, Z, X)` in the unit of the property, or a file of them: `.npy`, `.npz`,
            HDF5 or Zarr; see docs/guide/score.md.
        dataset: Name of the dataset, options in brackets allowed.
        name: Name of the method in tables.
        settings: See `ScoreSettings`.

    Returns:
        Scores and predictions; `save` stores them as a record.

    Raises:
        UsageError: A name, an option or the meta file is wrong.
        DataError: The predictions cannot be read, or are not complete, finite and of these samples.
    """
    evaluation = score_with(open_registry(), predictions, dataset, name, **settings)
    for note in evaluation.record.notes:
        warnings.warn(note, stacklevel=2)
    return evaluation


def score_with(
    registry: Registry,
    predictions: str | Path | NDArray[Any],
    dataset: str,
    name: str,
    **settings: Unpack[ScoreSettings],
) -> Evaluation:
    """Score predictions as `score` does, without warnings.

    Args:
        registry: Registry of datasets and metrics.
        predictions: See `score`.
        dataset: See `score`.
        name: See `score`.
        settings: See `ScoreSettings`.
    """
    check_name(name, registry)
    meta, metrics = settings.get("meta"), settings.get("metrics", ())
    statement = read_statement(Path(meta) if isinstance(meta, str) else meta)
    target = _open_target(registry, dataset, settings)
    choose_metrics(metrics, target, registry)
    problem = target.about.problem
    if isinstance(predictions, str | Path):
        given = read_given(Path(predictions), problem)
    else:
        given = take_given(np.asarray(predictions), settings.get("ids"), "", "the array of predictions", problem)
    cell = blank_cell(name, target, settings.get("seed", 0))
    record, scores, maps = score_given(given, statement, cell, target, registry, metrics)
    return Evaluation(record, scores, maps)


def _open_target(registry: Registry, dataset: str, settings: ScoreSettings) -> Target:
    """Return the test samples of the dataset, or of the file with the truth if one is named."""
    truth = settings.get("truth")
    profile, split = settings.get("profile", "quick"), settings.get("split")
    if truth is None:
        chosen = read_one(registry, "dataset", dataset)
        opened = open_dataset(registry, chosen.name, profile, chosen.options)
        scheme = choose_scheme(opened, split)
        make_samples(opened)
        return target_of(opened, scheme)
    target = read_truth(Path(truth))
    about = target.about
    variant = about.dataset.variant
    for option, asked, found in (
        ("dataset", variant if dataset == about.dataset.dataset else dataset, variant),
        ("split", split or about.dataset.split, about.dataset.split),
        ("profile", profile, about.profile),
    ):
        if asked != found:
            raise DataError(f"the truth in {truth} is of {option} {found}, not of {asked}", f"--{option} '{found}'")
    return target
