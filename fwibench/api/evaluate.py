"""Evaluation of a model on a dataset.

Invariant: a model is given measurements, and the train and val samples if it is fitted; the truth of the test samples
is read after it has predicted.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from fwibench.api.catalogue import open_registry
from fwibench.api.datasets import make_samples
from fwibench.api.evaluation import Evaluation
from fwibench.api.models import kind_of, make_method
from fwibench.api.runs import load_run, run
from fwibench.errors import UsageError
from fwibench.methods.base import Method
from fwibench.methods.context import RunContext
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.record import EXTERNAL, Costs, Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.samples import hold_samples
from fwibench.runs.execution.stages import Fit, Predicted, clock, clock_inversions, draw_samples, fit, predict
from fwibench.runs.execution.timing import best_throughput
from fwibench.runs.machine.devices import find_device
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.opening.datasets import choose_scheme, open_dataset, scored_split
from fwibench.runs.opening.methods import rows_at_once
from fwibench.runs.opening.truth import seal
from fwibench.runs.planning.grammar import read_one
from fwibench.runs.planning.plan import check_length, check_seconds, metric_names
from fwibench.runs.planning.request import Selected
from fwibench.runs.scoring.score import exact_notes, pool_scores, score
from fwibench.specs.dataset import Profile
from fwibench.typing import Array32, Maps

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset


class EvaluationSettings(TypedDict, total=False):
    """Where and how a model is evaluated.

    Attributes:
        split: Split scheme; the dataset's first by default.
        profile: Size of data and training: `smoke`, `quick` (default) or `paper`.
        seed: Number of the repetition, from 0.
        test_samples: Number of test samples, spread evenly over the split; all by default.
        device: `auto` (default), `cpu`, `cuda` or `cuda:N`.
        budget: Time that the training of a network should take [s]; by default its options set the length.
        metrics: Metrics beyond the default ones.
    """

    split: str | None
    profile: Profile
    seed: int
    test_samples: int | None
    device: str
    budget: float | None
    metrics: Sequence[str]


def evaluate(
    model: Any,
    dataset: str,
    fit: bool | None = None,
    name: str = "",
    options: dict[str, Any] | None = None,
    **settings: Unpack[EvaluationSettings],
) -> Evaluation:
    """Evaluate a model on the test samples of a dataset, in this process.

    Args:
        model: One of
            a `torch.nn.Module`, from normalised measurements `(n, S, T, R)` to normalised properties `(n, 1, Z, X)`
            (the problem's normalisation, both about [-1, 1]);
            a function from measurements to properties, both in physical units;
            an estimator with `fit` and `predict` as those of scikit-learn, on flattened samples;
            a `Method`, or a class of methods;
            the name of a method, with options in brackets, which is run as `fwibench.run` runs it.
        dataset: Name of a dataset, options in brackets allowed.
        fit: Whether the model learns from the train split first. By default estimators, methods and named methods
            that need it do; networks do not, and functions cannot.
        name: Name in tables; by default the name of the class or function.
        options: Options of the training of a network, as `TrainingOptions` (by default 2, 30 or 120 epochs for the
            profiles smoke, quick and paper); of a class of methods `{"options": ...}`.
        settings: See `EvaluationSettings`.

    Returns:
        Scores, predictions and costs; `save` stores them as a record.

    Raises:
        UsageError: A name, an option or the kind of the model is wrong.
        MethodError: Predictions have another shape than the properties, or values that are not finite.
    """
    if isinstance(model, str):
        return _evaluate_named(model, dataset, options or {}, settings)
    kind, name = kind_of(model), name or name_of(model)
    if fit and kind == "function":
        raise UsageError(f"{name} is a function, which cannot be fitted", "give a network or an estimator")
    _check_budget(settings.get("budget"), model, name, options or {})
    registry = open_registry()
    if name in registry.methods:
        raise UsageError(f"{name} is the name of a method of {registry.method(name).plugin.name}", "give another name")
    chosen = read_one(registry, "dataset", dataset)
    opened = open_dataset(registry, chosen.name, settings.get("profile", "quick"), chosen.options)
    trained_with = dict(options or {}) if fit and kind == "network" else {}
    cell = _blank_cell(opened, name, trained_with, settings)
    make_samples(opened)
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        context = RunContext(
            workdir=Path(scratch),
            device=find_device(settings.get("device", "auto")),
            dataset=cell.dataset,
            method=name,
            repetition=cell.seed,
            fit_budget=cell.budget,
        )
        method = make_method(model, opened.measured_problem, context, cell.profile, dict(options or {}))
        learns = kind in ("estimator", "method") if fit is None else fit
        return _Evaluator(registry, opened, method, settings.get("metrics", ())).evaluate(cell, learns=learns)


@dataclass(frozen=True)
class _Evaluator:
    """Runs the stages of an evaluation in this process."""

    registry: Registry
    dataset: Dataset
    method: Method
    metrics: Sequence[str]

    def evaluate(self, cell: Cell, *, learns: bool) -> Evaluation:
        """Fit, predict, score and measure."""
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        begin = time.monotonic()
        method, problem, device = self.method, self.dataset.measured_problem, self.method.context.device
        train, val = (self.dataset.split(cell.split, part) for part in ("train", "val"))
        # the truth is opened after the model has predicted
        sealed = seal(scored_split(self.dataset, cell))
        fitted: Fit | None = fit(method, train, val, device) if learns else None
        predicted = predict(method, sealed, lambda scalars: None)
        drawn = hold_samples(draw_samples(method, sealed), predicted.maps, problem.property)
        test = scored_split(self.dataset, cell)
        metrics = metric_names(self.metrics, self.registry)
        scores, notes = score(predicted.maps, test, metrics, self.registry, problem, drawn)
        cell = cell.model_copy(update={"method_version": _version_of(predicted.maps)})
        record = Record(
            cell=Cell.model_validate(cell.model_dump()),
            status="ok",
            notes=[*method.notes(), *notes, *exact_notes(predicted.maps, test, problem)],
            chosen=cell.options,
            kind=EXTERNAL,
            source=self.dataset.source,
            unit=problem.property.unit,
            n_train=len(train) if learns else None,
            n_val=len(val) if learns else None,
            n_test=len(test),
            device=device,
            scores=pool_scores(scores, self.registry),
            complexity=method.complexity(),
            costs=self._costs(fitted, predicted, test.measurements[: rows_at_once(problem)]),
            history=fitted.history if fitted else [],
            environment=describe_environment(),
            started=started,
            wall_s=time.monotonic() - begin,
        )
        return Evaluation(record, scores, predicted.maps, method=method, drawn=drawn)

    def _costs(self, fitted: Fit | None, predicted: Predicted, measurements: Array32) -> Costs:
        device = self.method.context.device
        clocks: dict[str, float | None] = {"predict_s": predicted.predict_s}
        if predicted.traces:
            clocks |= clock_inversions(predicted, device)
        elif device == "cpu":
            clocks |= clock(self.method, lambda: self.method, measurements)
        else:
            # the latency on a CPU is not known of a model on a GPU
            rate, batch = best_throughput(self.method.predict, measurements, device)
            clocks |= {"throughput_per_s": rate, "throughput_batch": batch}
        return Costs.model_validate({**clocks, **(fitted.costs if fitted else {})})


def _blank_cell(dataset: Dataset, name: str, options: dict[str, Any], settings: EvaluationSettings) -> Cell:
    return Cell(
        method=name,
        method_version="",
        options=options,
        non_default=options,
        dataset=dataset.spec.name,
        dataset_options=dataset.options.model_dump(mode="json", exclude_defaults=True),
        fingerprint=dataset.fingerprint,
        split=choose_scheme(dataset, settings.get("split")),
        seed=settings.get("seed", 0),
        profile=dataset.profile,
        test_samples=settings.get("test_samples"),
        budget=settings.get("budget"),
    )


def _check_budget(budget: float | None, model: Any, name: str, options: dict[str, Any]) -> None:
    """Raise `UsageError` if a time budget is invalid, or cannot set the length of a model's training."""
    if budget is None:
        return
    check_seconds("time budget", budget)
    if isinstance(model, Method):
        raise UsageError(
            f"{name} has a context of its own, without the time budget", "give its class, or set fit_budget"
        )
    check_length(name, options)


def _evaluate_named(model: str, dataset: str, options: dict[str, Any], settings: EvaluationSettings) -> Evaluation:
    registry = open_registry()
    method, chosen = read_one(registry, "method", model), read_one(registry, "dataset", dataset)
    outcome = run(
        [Selected(name=method.name, options={**method.options, **options})],
        [chosen],
        **{name: value for name, value in settings.items() if name != "seed"},  # type: ignore[arg-type]
        first_seed=settings.get("seed", 0),
    )
    record = outcome.records[-1]
    if record.status != "ok":
        raise UsageError(f"{record.run_id} is {record.status}: {record.reason}", "its log.txt tells more")
    return load_run(Results(outcome.results).folder(record.cell))


def _version_of(maps: Maps) -> str:
    """Return a version that distinguishes models of one name: the hash of their predictions."""
    return hashlib.sha256(maps.tobytes()).hexdigest()[:8]


def name_of(model: Any) -> str:
    """Return a name for a model: that of its class or function, in small letters with hyphens."""
    text = getattr(model, "__name__", type(model).__name__)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text).lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-") or "model"
