"""Checks that every method must pass.

Invariant: a check is one function, and the first line of its docstring states the requirement. Checks share one fit
where they can.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from fwibench.datasets.base import Dataset
from fwibench.errors import DataError, FwibenchError, MethodError
from fwibench.methods.base import Method, check_prediction, check_samples
from fwibench.methods.complexity import Complexity
from fwibench.methods.context import FittedMethod
from fwibench.problem import Property
from fwibench.samples import Split
from fwibench.testing.checks import NonconformityError, NotApplicableError, as_checks, describe, require
from fwibench.testing.method_subject import MethodSubject
from fwibench.testing.probe import predict
from fwibench.testing.problems import tiny_data
from fwibench.testing.specs import entry_module_is_light, options_survive_json
from fwibench.typing import Array32

TOLERANCE = 1e-4
"""Largest difference of equal predictions over the range of the property."""
REFIT_SHARE = 0.05
"""Largest difference of two fits with the same seed over that of two fits with different seeds.

Threads add in varying order, and Adam changes a weight by a full step where the gradient consists of rounding errors.
"""


def target_is_a_method(subject: MethodSubject) -> None:
    """The target of the spec is a subclass of Method and can be built with default options."""
    subject.build()


def survives_spawn(subject: MethodSubject) -> None:
    """A method that is built, fitted and saved in a spawned process predicts the same when loaded in another one."""
    subject.probe.phase("fit")
    method = subject.build()
    method.load(subject.folder / "probe" / "model")
    _same(subject, subject.predict(method), subject.probe.predictions["fit"], "the model saved by a spawned process")


def predict_before_fit_raises(subject: MethodSubject) -> None:
    """`predict` before `fit` raises a FwibenchError whose message or hint names fit."""
    if not subject.spec.learns(subject.options.model_dump(mode="json")):
        raise NotApplicableError("the spec declares that it needs no fit with these options")
    hint = "raise self.not_fitted()"
    method = subject.build()
    try:
        subject.predict(method)
    except FwibenchError as error:
        require("fit" in f"{error.message} {error.hint}", f"the error does not mention fit: {describe(error)}", hint)
    except Exception as error:
        raise NonconformityError(f"raised {describe(error)}; expected a FwibenchError that names fit", hint) from error
    else:
        raise NonconformityError("predict returned maps before fit", hint)


def predictions_fit_the_problem(subject: MethodSubject) -> None:
    """For each accepted kind of measurement, predictions are finite maps (n, 1, Z, X) near the property's bounds."""
    for kind in subject.spec.measurements:
        data = tiny_data(kind)
        method = subject.fitted(kind)
        for rows in (slice(None), slice(0, 1)):
            test = data.test
            found = predict(subject.spec, method, test.measurements[rows], test.properties[rows])
            _physical(_whole(found, test.properties[rows].shape), data.problem.property)


def samples_are_independent(subject: MethodSubject) -> None:
    """Predictions do not depend on the order of the samples or the size of the batch."""
    whole, method = subject.predictions, subject.fitted()
    order = np.arange(len(whole))[::-1].copy()
    _same(subject, subject.predict(method, order), whole[order], "the same samples in reverse order")
    one = np.concatenate([subject.predict(method, slice(i, i + 1)) for i in (0, len(whole) - 1)])
    _same(subject, one, whole[[0, -1]], "samples one by one")
    _same(subject, subject.predict(method), whole, "a second call")


def samples_of_predictions_fit(subject: MethodSubject) -> None:
    """Samples of predictions, if any, are finite maps (m, n, 1, Z, X) of each measurement alone, also after `load`."""
    method, test = subject.fitted(), subject.data.test
    found = _samples(subject, method)
    if found is None:
        raise NotApplicableError("it draws no samples of its predictions")
    _physical(found, subject.data.problem.property)
    order = np.arange(len(test))[::-1].copy()
    _same(
        subject, _samples(subject, method, order), found[:, order], "samples of the same measurements in reverse order"
    )
    one = [_samples(subject, method, slice(i, i + 1)) for i in (0, len(test) - 1)]
    _same(subject, np.concatenate(one, axis=1), found[:, [0, -1]], "samples of single measurements")
    model = Path(tempfile.mkdtemp(dir=subject.folder))
    method.save(model)
    again = subject.build()
    again.load(model)
    _same(subject, _samples(subject, again), found, "samples of the saved and loaded method")
    require(bool(np.ptp(found, axis=0).any()), "all samples are equal", "return None if there is no spread")


def seed_decides(subject: MethodSubject) -> None:
    """Fits with the same seed predict the same; another seed changes predictions unless the method is deterministic."""
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
        "another seed gives identical predictions",
        "draw random numbers from context.seed(...), or set deterministic=True in the spec",
    )


def inputs_are_left_alone(subject: MethodSubject) -> None:
    """`fit` and `predict` do not change measurements, problem and options."""
    before = subject.values()
    method, test = subject.fitted(), subject.data.test
    measurements = test.measurements[:]
    predict(subject.spec, method, measurements, test.properties[:])
    unchanged = np.array_equal(measurements, test.measurements[:])
    require(unchanged, "predict changed its measurements", "compute on a copy")
    changed = before != subject.values() or subject.pristine != before
    require(not changed, "the problem or the options were changed", "they are shared; create new ones")


def truth_is_not_read(subject: MethodSubject) -> None:
    """Predictions are the same for true maps of NaN, and `predict` opens no split of a dataset."""
    if subject.spec.track == "oracle-start":
        raise NotApplicableError("on the track oracle-start it receives the true maps")
    method, test = subject.fitted(), subject.data.test
    whole = subject.predictions
    with _opened_datasets() as opened:
        with suppress(MethodError):
            method.reveal(np.full_like(test.properties[:], np.nan))
        found = np.asarray(method.predict(test.measurements[:]))
    require(not opened, f"predict opened {', '.join(opened)}", "predict from the given measurements only")
    _same(subject, found, whole, "predictions after reveal(NaN)")


def model_is_saved_whole(subject: MethodSubject) -> None:
    """A new method that loads a saved model predicts the same."""
    model = Path(tempfile.mkdtemp(dir=subject.folder))
    subject.fitted().save(model)
    again = subject.build()
    again.load(model)
    _same(subject, subject.predict(again), subject.predictions, "the saved and loaded method")


def stops_when_told(subject: MethodSubject) -> None:
    """With default options, `fit` and `predict` return soon after the deadline, with finite maps."""
    report = subject.probe
    if "stop" not in report.phases and report.died and "fit" in report.phases:
        raise NonconformityError(
            f"fit and predict did not return within {subject.grace:g} s after should_stop() had become true",
            "call self.context.should_stop() between steps and return the current state",
        )
    report.phase("stop")
    _whole(report.predictions["stop"], subject.data.test.properties.shape)


def files_stay_in_workdir(subject: MethodSubject) -> None:
    """Files are written to context.workdir and the folder of `save` only."""
    subject.probe.phase("fit")
    written = subject.probe.phase("files")["written"]
    require(not written, f"wrote {', '.join(written[:3])}", "write to self.context.workdir")


def global_state_is_left_alone(subject: MethodSubject) -> None:
    """Random generators, torch's settings, environment, warning filters and similar global state are unchanged."""
    changed = subject.probe.phase("repeat")["changed"]
    require(not changed, f"changed: {', '.join(changed)}", "restore the former values, or use your own generators")


def parameters_are_counted(subject: MethodSubject) -> None:
    """`complexity().parameters` counts the trained parameters of the torch modules of the method and its bases."""
    method = subject.fitted()
    complexity = method.complexity()
    require(isinstance(complexity, Complexity), f"complexity() returned {type(complexity).__name__}")
    modules = [module for one in (method, *method.context.below) for module in _modules(one)]
    parameters = {id(p): p.numel() for module in modules for p in module.parameters() if p.requires_grad}
    if not parameters:
        raise NotApplicableError("it holds no torch module with trained parameters")
    counted = sum(parameters.values())
    require(complexity.parameters == counted, f"complexity says {complexity.parameters}, its modules hold {counted}")


def layers_add_up(subject: MethodSubject) -> None:
    """Parameters and MACs of `layers()` add up to those of `complexity()`."""
    method = subject.fitted()
    layers, complexity = method.layers(), method.complexity()
    if not layers:
        raise NotApplicableError("it reports no layers")
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
    samples_of_predictions_fit,
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
    """Raise `NonconformityError` unless predictions differ by at most `tolerance` times the property's range."""
    difference = _difference(subject, found, expected, what)
    require(
        difference <= tolerance,
        f"{what}: predictions differ by {difference:.2g} of the property's range, expected {tolerance:.2g} or less",
    )


def _difference(subject: MethodSubject, found: Array32, expected: Array32, what: str) -> float:
    """Return the largest difference of predictions over the property's range; raises if the shapes differ."""
    require(found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}")
    bounds = subject.data.problem.property
    return float(np.abs(found - expected).max()) / (bounds.high - bounds.low)


def _whole(found: Any, shape: tuple[int, ...]) -> Array32:
    """Return the maps of a prediction; raises if a run would reject them."""
    try:
        return check_prediction(found, shape)
    except MethodError as error:
        raise NonconformityError(error.message, error.hint) from error


def _samples(subject: MethodSubject, method: Method, rows: Any = slice(None)) -> Any:
    """Return samples of the predictions of some rows of the test split; None if the method draws none."""
    test = subject.data.test
    measurements, properties = test.measurements[rows], test.properties[rows]
    if subject.spec.track == "oracle-start":
        method.reveal(properties)
    found = method.predict_samples(measurements)
    if found is None:
        return None
    require(np.array_equal(measurements, test.measurements[rows]), "predict_samples changed its measurements")
    try:
        return check_samples(found, properties.shape)
    except MethodError as error:
        raise NonconformityError(error.message, error.hint) from error


def _physical(found: Array32, bounds: Property) -> None:
    """Raise `NonconformityError` unless predictions are in physical units."""
    span = bounds.high - bounds.low
    middle, low, high = float(np.median(found)), float(found.min()), float(found.max())
    require(
        bounds.low <= middle <= bounds.high and low >= bounds.low - span and high <= bounds.high + span,
        f"predictions are {low:.4g} to {high:.4g}, their median {middle:.4g}; "
        f"{bounds.name} is {bounds.low:g} to {bounds.high:g} {bounds.unit}",
        "predict returns physical units; see problem.property.denormalise",
    )


def _modules(method: FittedMethod) -> Iterator[Any]:
    """Yield the torch modules among the attributes of a method, those in lists and dictionaries included."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    for value in vars(method).values():
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else (value,)
        yield from (one for one in inner if isinstance(one, torch.nn.Module))


@contextmanager
def _opened_datasets() -> Iterator[list[str]]:
    """Within the block, opening a split of a dataset fails; yields the list of attempts."""
    opened: list[str] = []

    def refuse(self: Dataset, scheme: str, name: str) -> Split:
        opened.append(f"split {name} of {self.spec.name}")
        raise DataError(f"{opened[-1]} cannot be opened while a method predicts")

    original = Dataset.split
    Dataset.split = refuse  # type: ignore[method-assign]
    try:
        yield opened
    finally:
        Dataset.split = original  # type: ignore[method-assign]
