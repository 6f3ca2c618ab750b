"""Checks that every method must pass.

Invariant: a check is one function; its docstring's first line is the promise. They share one fit where they can.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fwibench.datasets.base import Dataset
from fwibench.errors import DataError, FwibenchError, MethodError
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity
from fwibench.methods.context import RunContext
from fwibench.methods.predictions import check_prediction
from fwibench.plugins.registry import Registry
from fwibench.problem import Property
from fwibench.samples import Split
from fwibench.specs.method import MethodSpec
from fwibench.testing.checks import NonconformityError, NotApplicableError, as_checks, describe, require
from fwibench.testing.probe import Job, Report, construct, predict, run_probe
from fwibench.testing.specs import entry_module_is_light, options_survive_json
from fwibench.testing.tiny import Kind, Tiny, tiny_data
from fwibench.typing import Array32

TOLERANCE = 1e-4
"""Largest difference of predictions that should be equal, as a share of the property's range."""
REFIT_SHARE = 0.05
"""The same of two fits with one seed, as a share of what another seed changes.

Threads add up in another order, and Adam moves a weight by its whole step where the gradient is nothing but rounding.
"""
GRACE_S = 10.0
"""Seconds that a method has to return after its deadline has passed."""
DEADLINE_S = 0.2


class MethodSubject:
    """A method under test, built for tiny problems with the options of profile smoke.

    Args:
        spec: The method's.
        registry: Where the method that it builds on is looked up.
        options: Values that differ from the profile's.
        entry: Module of the plugin's hooks; empty if no plugin offers it.
        grace: See `GRACE_S`.
    """

    def __init__(
        self,
        spec: MethodSpec,
        registry: Registry,
        options: Mapping[str, Any] | None = None,
        entry: str = "",
        grace: float = GRACE_S,
    ) -> None:
        self.spec, self.registry, self.entry, self.grace = spec, registry, entry, grace
        self._chosen = dict(options or {})
        self._fitted: dict[tuple[Kind, int], Method] = {}

    @cached_property
    def folder(self) -> Path:
        """Where its files lie until the subject is forgotten."""
        folder = Path(tempfile.mkdtemp(prefix="fwibench-check-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    @cached_property
    def options(self) -> Any:
        """Little effort: those of profile smoke."""
        return self.spec.options.model_validate({**self.spec.profiles.get("smoke", {}), **self._chosen})

    @property
    def kind(self) -> Kind:
        """The first kind of measurement that it accepts."""
        return self.spec.measurements[0]

    @cached_property
    def data(self) -> Tiny:
        """Samples of that kind."""
        return tiny_data(self.kind)

    def values(self) -> tuple[str, str]:
        """Problem and options as they are now."""
        return self.data.problem.model_dump_json(), self.options.model_dump_json()

    @cached_property
    def pristine(self) -> tuple[str, str]:
        """Problem and options before the first method was built."""
        return self.values()

    def build(self, kind: Kind | None = None, repetition: int = 0) -> Method:
        """A new method, in a working folder of its own."""
        kind = kind or self.kind
        _ = self.pristine
        base = self.base.fitted(kind, repetition, guarded=False) if self.base else None
        workdir = Path(tempfile.mkdtemp(dir=self.folder))
        name = self.spec.name
        context = RunContext(workdir=workdir, dataset="tiny", method=name, repetition=repetition, base=base)
        return construct(self.spec, tiny_data(kind).problem, self.options, context)

    def fitted(self, kind: Kind | None = None, repetition: int = 0, *, guarded: bool = True) -> Method:
        """A fitted method; fitted once for each kind and repetition.

        Args:
            kind: Kind of measurement; the first that the method accepts by default.
            repetition: Which seed.
            guarded: Fit here only what did not kill a process of its own.
        """
        key = kind or self.kind, repetition
        if key not in self._fitted:
            if guarded:
                self.survived()
            method = self.build(*key)
            data = tiny_data(key[0])
            method.fit(data.train, data.val)
            self._fitted[key] = method
        return self._fitted[key]

    def predict(self, method: Method, rows: Any = slice(None)) -> Array32:
        """Predictions of some rows of the test split."""
        test = self.data.test
        return np.asarray(predict(self.spec, method, test.measurements[rows], test.properties[rows]))

    @cached_property
    def predictions(self) -> Array32:
        """Of the test split, by the fitted method."""
        return self.predict(self.fitted())

    @cached_property
    def base(self) -> MethodSubject | None:
        """The method that it builds on; None if it builds on none."""
        if not self.spec.builds_on:
            return None
        return MethodSubject(self.registry.method(getattr(self.options, self.spec.builds_on)).spec, self.registry)

    @cached_property
    def probe(self) -> Report:
        """What it does in a process of its own."""
        below = None
        if self.base:
            model = self.folder / "base"
            model.mkdir()
            self.base.fitted(self.kind, guarded=False).save(model)
            below = self.base.spec, self.base.options, model
        data = self.data
        job = Job(
            spec=self.spec,
            options=self.options,
            full_options=self.spec.options.model_validate(self._chosen),
            problem=data.problem,
            arrays={s.name: (s.measurements[:], s.properties[:]) for s in (data.train, data.val, data.test)},
            base=below,
            deadline_s=DEADLINE_S,
            grace_s=self.grace,
        )
        return run_probe(job, self.folder / "probe")

    def survived(self) -> None:
        """Raises `NonconformityError` if a fit kills or hangs its process."""
        for name in ("load", "fit"):
            if name not in self.probe.phases:
                self.probe.phase(name)


def target_is_a_method(subject: MethodSubject) -> None:
    """The spec's target can be loaded, is a subclass of Method and can be built with default options."""
    subject.build()


def survives_spawn(subject: MethodSubject) -> None:
    """It is built, fitted and saved in a spawned process; loaded in another one it predicts the same."""
    subject.probe.phase("fit")
    method = subject.build()
    method.load(subject.folder / "probe" / "model")
    _same(subject, subject.predict(method), subject.probe.predictions["fit"], "the model saved by a spawned process")


def predict_before_fit_raises(subject: MethodSubject) -> None:
    """`predict` before `fit` raises a FwibenchError whose message or hint says to call fit."""
    if not subject.spec.learns(subject.options.model_dump(mode="json")):
        raise NotApplicableError("the spec says that it needs no fit with these options")
    hint = "raise self.not_fitted()"
    method = subject.build()
    try:
        subject.predict(method)
    except FwibenchError as error:
        require("fit" in f"{error.message} {error.hint}", f"the error does not mention fit: {describe(error)}", hint)
    except Exception as error:
        raise NonconformityError(
            f"raised {describe(error)}; expected a FwibenchError that says to fit", hint
        ) from error
    else:
        raise NonconformityError("predict returned something before fit", hint)


def predictions_fit_the_problem(subject: MethodSubject) -> None:
    """For each kind of measurement accepted: real numbers of shape (n, 1, Z, X), finite, near the property's bounds."""
    for kind in subject.spec.measurements:
        data = tiny_data(kind)
        method = subject.fitted(kind)
        for rows in (slice(None), slice(0, 1)):
            test = data.test
            found = predict(subject.spec, method, test.measurements[rows], test.properties[rows])
            _physical(_whole(found, test.properties[rows].shape), data.problem.property)


def samples_are_independent(subject: MethodSubject) -> None:
    """Predictions do not depend on the order of the samples, nor on how many are predicted at once."""
    whole, method = subject.predictions, subject.fitted()
    order = np.arange(len(whole))[::-1].copy()
    _same(subject, subject.predict(method, order), whole[order], "the same samples in reverse order")
    one = np.concatenate([subject.predict(method, slice(i, i + 1)) for i in (0, len(whole) - 1)])
    _same(subject, one, whole[[0, -1]], "samples one by one")
    _same(subject, subject.predict(method), whole, "a second call")


def seed_decides(subject: MethodSubject) -> None:
    """The same seed gives the same predictions; another one gives others, unless the spec says deterministic."""
    subject.probe.phase("fit")
    again, other = subject.probe.predictions["fit"], subject.predict(subject.fitted(repetition=1))
    if subject.spec.deterministic:
        _same(subject, again, subject.predictions, "another fit with the same seed")
        _same(subject, other, subject.predictions, "another seed, of a method that is declared deterministic")
        return
    change = _difference(subject, other, subject.predictions, "another seed")
    _same(subject, again, subject.predictions, "another fit with the same seed", max(TOLERANCE, REFIT_SHARE * change))
    require(
        change > 0,
        "another seed gives the very same predictions",
        "draw from context.seed(...), or say deterministic=True in the spec",
    )


def inputs_are_left_alone(subject: MethodSubject) -> None:
    """Measurements, problem and options are after fit and predict what they were before."""
    before = subject.values()
    method, test = subject.fitted(), subject.data.test
    measurements = test.measurements[:]
    predict(subject.spec, method, measurements, test.properties[:])
    unchanged = np.array_equal(measurements, test.measurements[:])
    require(unchanged, "predict changed the measurements it was given", "compute on a copy")
    changed = before != subject.values() or subject.pristine != before
    require(not changed, "the problem or the options were changed", "others use them too; make new ones")


def truth_is_not_read(subject: MethodSubject) -> None:
    """Predictions are the same when the truth is NaN, and no split of a dataset is opened for them."""
    if subject.spec.track == "oracle-start":
        raise NotApplicableError("it is on the track oracle-start and is told the truth")
    method, test = subject.fitted(), subject.data.test
    whole = subject.predictions
    with _opened_datasets() as opened:
        with suppress(MethodError):
            method.reveal(np.full_like(test.properties[:], np.nan))
        found = np.asarray(method.predict(test.measurements[:]))
    require(not opened, f"predict opened {', '.join(opened)}", "predict from the measurements it is given")
    _same(subject, found, whole, "predictions after reveal(NaN)")


def model_is_saved_whole(subject: MethodSubject) -> None:
    """A new method that loads what `save` wrote predicts the same."""
    model = Path(tempfile.mkdtemp(dir=subject.folder))
    subject.fitted().save(model)
    again = subject.build()
    again.load(model)
    _same(subject, subject.predict(again), subject.predictions, "the saved and loaded method")


def stops_when_told(subject: MethodSubject) -> None:
    """At the effort of its default options, fit and predict return soon after the deadline, with finite maps."""
    report = subject.probe
    if "stop" not in report.phases and report.died and "fit" in report.phases:
        raise NonconformityError(
            f"fit and predict did not return within {subject.grace:g} s after should_stop() had turned true",
            "ask self.context.should_stop() between steps and return what there is",
        )
    report.phase("stop")
    _whole(report.predictions["stop"], subject.data.test.properties.shape)


def files_stay_in_workdir(subject: MethodSubject) -> None:
    """Files are written to context.workdir and to the folder given to `save`, and nowhere else."""
    subject.probe.phase("fit")
    written = subject.probe.phase("files")["written"]
    require(not written, f"wrote {', '.join(written[:3])}", "write to self.context.workdir")


def global_state_is_left_alone(subject: MethodSubject) -> None:
    """Random generators, torch's settings, environment, warning filters and so on are left as they were found."""
    changed = subject.probe.phase("repeat")["changed"]
    require(not changed, f"changed: {', '.join(changed)}", "restore what was found, or use generators of your own")


def parameters_are_counted(subject: MethodSubject) -> None:
    """`complexity().parameters` is the number of trained parameters of the torch modules that the method holds."""
    method = subject.fitted()
    complexity = method.complexity()
    require(isinstance(complexity, Complexity), f"complexity() returned {type(complexity).__name__}")
    parameters = {id(p): p.numel() for module in _modules(method) for p in module.parameters() if p.requires_grad}
    if not parameters:
        raise NotApplicableError("it holds no torch module with trained parameters")
    counted = sum(parameters.values())
    require(complexity.parameters == counted, f"complexity says {complexity.parameters}, its modules hold {counted}")


def layers_add_up(subject: MethodSubject) -> None:
    """Parameters and MACs of `layers()` add up to those of `complexity()`."""
    method = subject.fitted()
    layers, complexity = method.layers(), method.complexity()
    if not layers:
        raise NotApplicableError("it tells no layers")
    for name in ("parameters", "macs"):
        total, expected = sum(getattr(layer, name) or 0 for layer in layers), getattr(complexity, name)
        require(total == expected, f"{name} of the layers add up to {total}, complexity says {expected}")


METHOD_CHECKS = as_checks(
    entry_module_is_light,
    options_survive_json,
    target_is_a_method,
    survives_spawn,
    predict_before_fit_raises,
    predictions_fit_the_problem,
    samples_are_independent,
    seed_decides,
    inputs_are_left_alone,
    truth_is_not_read,
    model_is_saved_whole,
    stops_when_told,
    files_stay_in_workdir,
    global_state_is_left_alone,
    parameters_are_counted,
    layers_add_up,
)


def _same(subject: MethodSubject, found: Array32, expected: Array32, what: str, tolerance: float = TOLERANCE) -> None:
    """Raises unless predictions agree within a share of the property's range."""
    difference = _difference(subject, found, expected, what)
    require(
        difference <= tolerance,
        f"{what}: predictions differ by {difference:.2g} of the property's range, expected {tolerance:.2g} or less",
    )


def _difference(subject: MethodSubject, found: Array32, expected: Array32, what: str) -> float:
    """The largest difference of predictions, as a share of the property's range; raises for another shape."""
    require(found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}")
    bounds = subject.data.problem.property
    return float(np.abs(found - expected).max()) / (bounds.high - bounds.low)


def _whole(found: Any, shape: tuple[int, ...]) -> Array32:
    """The maps of a prediction; raises unless a run would take them."""
    try:
        return check_prediction(found, shape)
    except MethodError as error:
        raise NonconformityError(error.message, error.hint) from error


def _physical(found: Array32, bounds: Property) -> None:
    """Raises unless these are in physical units."""
    span = bounds.high - bounds.low
    middle, low, high = float(np.median(found)), float(found.min()), float(found.max())
    require(
        bounds.low <= middle <= bounds.high and low >= bounds.low - span and high <= bounds.high + span,
        f"predictions are {low:.4g} to {high:.4g}, their median {middle:.4g}; "
        f"{bounds.name} is {bounds.low:g} to {bounds.high:g} {bounds.unit}",
        "predict returns physical units; see problem.property.denormalise",
    )


def _modules(method: Method) -> Iterator[Any]:
    """The torch modules among a method's attributes, those in lists and dictionaries included."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    for value in vars(method).values():
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else (value,)
        yield from (one for one in inner if isinstance(one, torch.nn.Module))


@contextmanager
def _opened_datasets() -> Iterator[list[str]]:
    """Within the block no split of a dataset can be opened; yields those that somebody tried to."""
    opened: list[str] = []

    def refuse(self: Dataset, scheme: str, name: str) -> Split:
        opened.append(f"split {name} of {self.spec.name}")
        raise DataError(f"{opened[-1]} is closed while a method predicts")

    original = Dataset.split
    Dataset.split = refuse  # type: ignore[method-assign]
    try:
        yield opened
    finally:
        Dataset.split = original  # type: ignore[method-assign]
