"""Cost models: how the time of a method depends on options and numbers of samples.

A plan uses them to scale the times of a finished cell, or of a probe of a few samples, to a planned cell. A spec names
its model in `costs`; `cost_model` chooses one for a spec that names none.

Invariant: this module is light, and so are the modules of cost models: only `probe` may import heavy packages.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, NamedTuple

import numpy as np

from fwibench.methods.budgets import FORWARD
from fwibench.methods.context import RunContext
from fwibench.methods.schedules import count_batches, count_epochs
from fwibench.problem import Problem
from fwibench.samples import ShardedArray, Split
from fwibench.specs.base import load_object
from fwibench.specs.method import MethodSpec, TrainingOptions
from fwibench.typing import Array32, Indices


class Sizes(NamedTuple):
    """Numbers of samples of a cell; `test` counts those that are predicted."""

    train: int
    val: int
    test: int


class Work(NamedTuple):
    """Amounts of a fit and of a prediction: work in a unit of the method's own, or seconds."""

    fit: float
    predict: float


@dataclass(frozen=True)
class Case:
    """A method with its options on a problem with some numbers of samples.

    Attributes:
        problem: The problem.
        options: Validated options, an instance of the spec's model.
        sizes: Numbers of samples.
    """

    problem: Problem
    options: Any
    sizes: Sizes


@dataclass(frozen=True)
class Probing:
    """What a probe may use. Its samples are synthetic and have the shapes of the problem.

    Attributes:
        spec: Spec of the method.
        case: Case to estimate.
        device: `cpu`, `cuda` or `cuda:N`.
        cores: Number of cores of a CPU that a cell may use.
        seconds: Time that the probe should take [s]; a single call may take longer.
    """

    spec: MethodSpec
    case: Case
    device: str
    cores: int
    seconds: float

    @property
    def learns(self) -> bool:
        """Whether the method is fitted before it predicts."""
        return self.spec.learns(self.case.options.model_dump(mode="json"))

    def build(self, options: Any, context: RunContext) -> Any:
        """Return the method for the problem."""
        return self.spec.load()(self.case.problem, options, context)

    def split(self, n: int, name: str = "train") -> Split:
        """Return a split of `n` samples that takes the memory of two: noise within the bounds of the problem."""
        problem, rng = self.case.problem, np.random.default_rng(0)
        low, high = problem.amplitude.low, problem.amplitude.high
        rows = np.array(problem.amplitude.rows or [1.0], np.float32)[:, None]
        measurements = rng.uniform(low, high, (2, *problem.measurement_shape)).astype(np.float32) * rows
        bounds = problem.property
        properties = rng.uniform(bounds.low, bounds.high, (2, *problem.property_shape)).astype(np.float32)
        ids = tuple(map(str, range(n)))
        return Split(name, ids, Repeated(measurements, n), Repeated(properties, n))


class Repeated(ShardedArray):
    """Two samples that are repeated to any number.

    Args:
        samples: The samples `(2, ...)`.
        n: Number of samples of the array.
    """

    def __init__(self, samples: Array32, n: int) -> None:
        super().__init__((Path(),), (n,), samples.shape[1:], np.arange(n))
        self._samples = samples

    def __getitem__(self, key: int | slice | Indices) -> Array32:
        """Return copies of the samples; an integer drops the first axis, as in numpy."""
        return np.array(self._samples[self._indices[key] % len(self._samples)])


class CostModel:
    """Time in proportion to the number of train samples for a fit, and of test samples for a prediction.

    This is the model of a method that states none. It scales finished cells with the same options, and has no probe.

    Attributes:
        free: Options in which a finished cell may differ: `work` takes them into account, or they do not change the
            time noticeably.
        any_problem: Whether `work` takes the problem into account as well, so that cells of other datasets count.
    """

    free: ClassVar[frozenset[str]] = frozenset()
    any_problem: ClassVar[bool] = False

    def work(self, case: Case) -> Work:
        """Return the work of a fit and of a prediction, in any unit."""
        return Work(case.sizes.train, case.sizes.test)

    def scaled(self, seconds: Work, known: Case, case: Case, history: list[dict[str, float]]) -> Work:
        """Return the times of a case from those of a known one; see `work`.

        Args:
            seconds: Times of the known case [s].
            known: The known case.
            case: Case to estimate.
            history: History of the fit of the known case; empty if it is not known.

        Returns:
            The times [s].
        """
        before, after = self.work(known), self.work(case)
        return Work(*(_ratio(new, old) * took for new, old, took in zip(after, before, seconds, strict=True)))

    def memory(self, case: Case) -> float | None:
        """Return the size of the arrays that the method holds at once [bytes]; None if it is not known."""
        return None

    def probe(self, probing: Probing) -> Work | None:
        """Return the times of the case [s], from a few samples or steps; None if there is no probe."""
        return None


class LinearCosts(CostModel):
    """Time that grows linearly with `work`: the probe fits and predicts two numbers of samples."""

    counts: ClassVar[tuple[int, int]] = (4, 32)
    """Numbers of samples of the probe."""

    def probe(self, probing: Probing) -> Work | None:
        """Return the times of the case [s] from fits of, and predictions for, a few samples."""
        case, points = probing.case, []
        start = time.perf_counter()
        for n in self.counts:
            used = Sizes(min(n, case.sizes.train), min(2, case.sizes.val), min(n, case.sizes.test))
            points.append((self.work(Case(case.problem, case.options, used)), _fit_and_predict(probing, used)))
            if time.perf_counter() - start > probing.seconds:
                break
        return Work(*(_line([(work[i], took[i]) for work, took in points], self.work(case)[i]) for i in range(2)))


def _fit_and_predict(probing: Probing, sizes: Sizes) -> Work:
    """Return the times of a fit and a prediction of a few samples [s]."""
    with TemporaryDirectory() as folder:
        context = RunContext(Path(folder), probing.device, method=probing.spec.name)
        method = probing.build(probing.case.options, context)
        train, val, test = (probing.split(count) for count in sizes)
        fit = clock(lambda: method.fit(train, val)) if probing.learns else 0.0
        return Work(fit, clock(lambda: method.predict(test.measurements[:])))


TRAINING = frozenset(TrainingOptions.model_fields) - {"precision"}
"""Options of `TorchMethod` that are taken into account or do not change the time of a step."""
SMALLEST_BATCH = 2
"""Batch size of the first steps of a probe: batch normalisation needs two samples."""
LARGEST_BATCH = 64
"""Largest batch size of a probe; larger batches hardly change the time of a sample."""
STEPS = 3
"""Number of steps of a probe; the first one also sets up kernels."""
SMALL_S = 0.02
"""Longest step of a probe whose number of threads is chosen as in a run [s]; larger networks use every thread."""


class TrainingCosts(CostModel):
    """Training of a `TorchMethod`: epochs x batches x time of a step; then test samples x time of a prediction.

    This is the model of every method whose options extend `TrainingOptions`.

    Attributes:
        encodes: Whether the time of a finished fit before its first epoch is in proportion to the number of train
            samples, as where an encoder is solved for; otherwise it is the same for any number. A probe finds out.
    """

    free = TRAINING
    encodes: ClassVar[bool] = False

    def work(self, case: Case) -> Work:
        """Return the sample passes of the training, with validation as `FORWARD` of a pass, and the test samples."""
        return Work(epochs_of(case) * (samples_of(case) + FORWARD * case.sizes.val), case.sizes.test)

    def scaled(self, seconds: Work, known: Case, case: Case, history: list[dict[str, float]]) -> Work:
        """See `CostModel.scaled`; the history tells the time of the epochs from that of the rest of the fit."""
        by_work = super().scaled(seconds, known, case, history)
        if not history or not all("seconds" in entry for entry in history):
            return by_work
        took = [entry["seconds"] for entry in history]
        before = max(seconds.fit - sum(took), 0.0)
        # the first epoch also sets up kernels, and other processes lengthen some
        epochs = statistics.median(took) * len(took)
        fit = epochs * _ratio(self.work(case).fit, self.work(known).fit) + max(sum(took) - epochs, 0.0)
        return Work(
            fit + before * (_ratio(case.sizes.train, known.sizes.train) if self.encodes else 1.0), by_work.predict
        )

    def probe(self, probing: Probing) -> Work | None:
        """Return the times of the case [s] from a few steps with small batches of synthetic samples."""
        import os

        from fwibench.methods.context import FIT_THREADS

        case, start = probing.case, time.perf_counter()
        batches = batches_of(case)
        batch = samples_of(case) / batches
        chosen = os.environ.get(FIT_THREADS)
        os.environ.setdefault(FIT_THREADS, str(probing.cores))
        try:
            trials = [_train(probing, SMALLEST_BATCH)]
            left = probing.seconds - (time.perf_counter() - start)
            larger = _larger_batch(trials[0].step, min(batch, LARGEST_BATCH), left)
            if larger > SMALLEST_BATCH:
                if chosen is None and trials[0].step * larger / SMALLEST_BATCH < SMALL_S:
                    del os.environ[FIT_THREADS]
                trials.append(_train(probing, larger))
        finally:
            os.environ.pop(FIT_THREADS, None)
            if chosen is not None:
                os.environ[FIT_THREADS] = chosen
        last = trials[-1]
        step = _line([(trial.batch, trial.step) for trial in trials], batch)
        once = _growth([(trial.samples, trial.before) for trial in trials]) * case.sizes.train if last.encodes else 0.0
        fit = epochs_of(case) * (batches * step + case.sizes.val * last.forward) + once
        return Work(fit, case.sizes.test * last.forward)


class Trial(NamedTuple):
    """Times of a few training steps with one batch size.

    Attributes:
        batch: Batch size [samples].
        samples: Number of train samples.
        step: Time of a step, the mean over the steps that differ [s].
        before: Time of the fit before its first step [s].
        forward: Time to predict a sample [s].
        encodes: Whether the fit reads all samples before its first step.
    """

    batch: int
    samples: int
    step: float
    before: float
    forward: float
    encodes: bool


class _EnoughError(Exception):
    """The steps of a probe are done."""


@dataclass(frozen=True)
class _StepMeter(RunContext):
    """Context that notes the time at which every step starts, and stops the fit.

    Attributes:
        enough: Whether the times noted so far suffice.
        ticks: Times at which steps started, and at which the epoch ended [s].
    """

    enough: Callable[[list[float]], bool] = field(default=lambda ticks: False, repr=False)
    ticks: list[float] = field(default_factory=list, repr=False)

    def should_stop(self) -> bool:
        """Note the start of a step; return whether the fit should stop."""
        self.ticks.append(time.perf_counter())
        return self.enough(self.ticks)

    def report(self, **scalars: float) -> None:
        """End the fit before it writes a checkpoint."""
        self.ticks.append(time.perf_counter())
        raise _EnoughError


def _train(probing: Probing, batch: int) -> Trial:
    """Train for a few steps.

    Args:
        probing: The probe.
        batch: Batch size [samples].
    """
    length = {"batch_size": batch, "min_batches": None, "max_batches": None}
    options = probing.case.options.model_copy(update=length)
    with TemporaryDirectory() as folder:
        meter = _StepMeter(
            Path(folder),
            probing.device,
            method=probing.spec.name,
            enough=lambda ticks: len(ticks) > 1 and (len(ticks) > STEPS or ticks[-1] - ticks[0] > probing.seconds),
        )
        method = probing.build(options, meter)
        updates = min(method.updates_per_epoch(part, 1000) for part in ("network", *method.companions))
        period = max(1000 / updates, 1.0)
        # the rare update of a part comes in the last batch of an epoch, which is then the last step of the probe
        samples = batch * (STEPS if period > 1 else STEPS + 1)
        start = time.perf_counter()
        with suppress(_EnoughError):
            method.fit(probing.split(samples), probing.split(1, "val"))
        inputs = probing.split(SMALLEST_BATCH).measurements[:]
        forward = min(clock(lambda: method.infer(inputs)) for _ in range(2)) / SMALLEST_BATCH
    steps = [later - earlier for earlier, later in zip(meter.ticks, meter.ticks[1:], strict=False)]
    plain = min(steps[:2])
    step = plain + max(steps[-1] - plain, 0.0) / period if len(steps) == STEPS and period > 1 else min(steps)
    return Trial(batch, samples, step, meter.ticks[0] - start, forward, _encodes(method))


def _encodes(method: Any) -> bool:
    from fwibench.methods.torch_method import TorchMethod

    return method.encode_once or type(method).fit_encoder is not TorchMethod.fit_encoder


def _larger_batch(step: float, most: float, seconds: float) -> int:
    """Return the largest batch of a power of two whose steps fit the time.

    Args:
        step: Time of a step with `SMALLEST_BATCH` [s].
        most: Largest batch [samples].
        seconds: The time [s].
    """
    batch = SMALLEST_BATCH
    while 2 * batch <= most and step * STEPS * 2 * batch / SMALLEST_BATCH < seconds:
        batch *= 2
    return batch


def batches_of(case: Case) -> int:
    """Return the number of batches of an epoch of a training."""
    options = case.options
    return max(count_batches(case.sizes.train, options.batch_size, drop_last=options.drop_last), 1)


def samples_of(case: Case) -> int:
    """Return the number of samples that an epoch of a training passes."""
    train, options = case.sizes.train, case.options
    return min(train, batches_of(case) * options.batch_size) if options.drop_last else train


def epochs_of(case: Case) -> int:
    """Return the number of epochs of a training; see `count_epochs`."""
    return count_epochs(case.options, batches_of(case))


def cost_model(spec: MethodSpec) -> CostModel:
    """Return the cost model of a method: the one its spec names, else that of its kind of options.

    Raises:
        PluginError: The model that the spec names cannot be loaded.
    """
    if spec.costs:
        model: CostModel = load_object(spec.name, "cost model", spec.costs)()
        return model
    return TrainingCosts() if spec.trains else CostModel()


def clock(call: Callable[[], object]) -> float:
    """Return the duration of a call [s]."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _ratio(new: float, old: float) -> float:
    return new / old if old else 0.0


def _growth(points: list[tuple[float, float]]) -> float:
    """Return the time per unit of work from the first and last point `(work, seconds)`, at least 0."""
    (low, before), (high, after) = points[0], points[-1]
    return max(after - before, 0.0) / (high - low) if high > low else after / high if high else 0.0


def _line(points: list[tuple[float, float]], work: float) -> float:
    """Return the time of an amount of work on the line through the last point.

    The slope is between half the time per unit of the last point and all of it: measured times vary, and a line
    through two of them could fall.
    """
    amount, seconds = points[-1]
    if not amount:
        return seconds
    slope = min(max(_growth(points), 0.5 * seconds / amount), seconds / amount)
    return seconds + slope * (work - amount)
