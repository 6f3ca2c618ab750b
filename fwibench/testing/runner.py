"""Runs of all checks of a method, dataset, metric or study, and their pytest parametrisation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from fwibench.errors import UnknownNameError
from fwibench.plugins.registry import Offer, Registry, load_registry
from fwibench.specs.base import Declaration
from fwibench.specs.dataset import DatasetSpec
from fwibench.specs.method import MethodSpec
from fwibench.specs.metric import MetricSpec
from fwibench.specs.study import StudySpec
from fwibench.testing.checks import Check, NonconformityError, NotApplicableError, Result, refuse_unknown, run_checks
from fwibench.testing.datasets import DATASET_CHECKS, DatasetSubject
from fwibench.testing.method_subject import GRACE_S, MethodSubject
from fwibench.testing.methods import METHOD_CHECKS
from fwibench.testing.metrics import METRIC_CHECKS, MetricSubject
from fwibench.testing.specs import entry_module
from fwibench.testing.studies import STUDY_CHECKS, StudySubject

Options = Mapping[str, Any]
Reasons = Mapping[str, str]
CHECKS: dict[type[Declaration], tuple[Check[Any], ...]] = {
    MethodSpec: METHOD_CHECKS,
    DatasetSpec: DATASET_CHECKS,
    MetricSpec: METRIC_CHECKS,
    StudySpec: STUDY_CHECKS,
}

KINDS: dict[type[Declaration], str] = {
    Declaration: "method, dataset, metric or study",
    MethodSpec: "method",
    DatasetSpec: "dataset",
    MetricSpec: "metric",
    StudySpec: "study",
}


def check_method(
    method: str | MethodSpec,
    *,
    options: Options | None = None,
    expected_failures: Reasons | None = None,
    grace: float = GRACE_S,
) -> list[Result]:
    """Run all checks of a method, on tiny problems and with the options of profile smoke.

    Args:
        method: Name or spec of the method.
        options: Options that differ from those of the profile.
        expected_failures: Reasons by name of the checks that are known to fail, in addition to those of the spec.
        grace: Longest time from the deadline until the method returns [s].

    Returns:
        The result of each check.

    Raises:
        NonconformityError: A check failed, or one passed that was expected to fail.
    """
    return _settle(examine(method, kind=MethodSpec, options=options, expected=expected_failures, grace=grace))


def check_dataset(
    dataset: str | DatasetSpec, *, options: Options | None = None, expected_failures: Reasons | None = None
) -> list[Result]:
    """Run all checks of a dataset, with profile smoke and in temporary folders.

    Args:
        dataset: Name or spec of the dataset.
        options: Options that differ from the defaults.
        expected_failures: See `check_method`.

    Returns:
        The result of each check.

    Raises:
        NonconformityError: A check failed, or one passed that was expected to fail.
    """
    return _settle(examine(dataset, kind=DatasetSpec, options=options, expected=expected_failures))


def check_metric(metric: str | MetricSpec, *, expected_failures: Reasons | None = None) -> list[Result]:
    """Run all checks of a metric; arguments, result and errors are those of `check_method`."""
    return _settle(examine(metric, kind=MetricSpec, expected=expected_failures))


def check_study(study: str | StudySpec, *, expected_failures: Reasons | None = None) -> list[Result]:
    """Run all checks of a study; arguments, result and errors are those of `check_method`."""
    return _settle(examine(study, kind=StudySpec, expected=expected_failures))


def parametrize_with_checks(
    subjects: Iterable[str | Declaration], *, expected_failures: Mapping[str, Reasons] | None = None
) -> Callable[[Callable[..., Any]], Any]:
    """Return a pytest decorator that makes one test of each check of each subject; the test calls `check()`.

    A check that does not apply is skipped; an expected failure is `xfail(strict=True)` with its reason.

    Args:
        subjects: Names or specs of methods, datasets, metrics and studies.
        expected_failures: Reasons by name of the checks that are known to fail, by name of the subject.
    """
    import pytest

    registry = load_registry()
    opened = [open_subject(one, registry) for one in subjects]
    known = expected_failures or {}
    for name in known:
        if name not in (names := [spec.name for spec, _ in opened]):
            raise UnknownNameError.among("checked method, dataset, metric or study", name, names)
    parameters = []
    for spec, subject in opened:
        declared = {**spec.expected_failures, **known.get(spec.name, {})}
        checks = checks_of(spec)
        refuse_unknown(declared, checks)
        for check in checks:
            reason = declared.get(check.name)
            marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
            parameters.append(pytest.param(partial(_call, check, subject), id=f"{spec.name}-{check.name}", marks=marks))
    return pytest.mark.parametrize("check", parameters)


def examine(
    subject: str | Declaration,
    registry: Registry | None = None,
    *,
    kind: type[Declaration] = Declaration,
    options: Options | None = None,
    expected: Reasons | None = None,
    grace: float = GRACE_S,
) -> Iterator[Result]:
    """Run the checks of a method, dataset, metric or study one by one.

    Args:
        subject: Name or spec of the subject.
        registry: Registry with the subject; None: that of the environment.
        kind: Kind of spec that a name is looked up in; `Declaration` is every kind.
        options: Options that differ from those of profile smoke.
        expected: Reasons by name of the checks that are known to fail, in addition to those of the spec.
        grace: See `check_method`.

    Returns:
        Iterator over the results, which runs the checks.

    Raises:
        UnknownNameError: There is no subject of that name and kind.
    """
    spec, opened = open_subject(subject, registry or load_registry(), kind=kind, options=options, grace=grace)
    return run_checks(spec.name, opened, checks_of(spec), {**spec.expected_failures, **(expected or {})})


def checks_of(spec: Declaration) -> tuple[Check[Any], ...]:
    """Return the checks for a kind of spec."""
    return next(checks for kind, checks in CHECKS.items() if isinstance(spec, kind))


def open_subject(
    subject: str | Declaration,
    registry: Registry,
    *,
    kind: type[Declaration] = Declaration,
    options: Options | None = None,
    grace: float = GRACE_S,
) -> tuple[Declaration, Any]:
    """Return the spec of a subject, and the object that is passed to its checks.

    Args:
        subject: See `examine`.
        registry: Registry with the subject.
        kind: See `examine`.
        options: See `examine`.
        grace: See `check_method`.

    Raises:
        UnknownNameError: There is no subject of that name and kind.
    """
    offer = find_offer(subject if isinstance(subject, str) else subject.name, registry, kind)
    spec = subject if isinstance(subject, Declaration) else offer.spec if offer else None
    if spec is None:
        known = [name for name, _ in _offers(registry, kind)]
        raise UnknownNameError.among(KINDS[kind], str(subject), known)
    # a study has no target
    same = offer is not None and getattr(offer.spec, "target", None) == getattr(spec, "target", None)
    entry = entry_module(offer) if offer and same else ""
    if isinstance(spec, MethodSpec):
        return spec, MethodSubject(spec, registry, options, entry, grace)
    if isinstance(spec, DatasetSpec):
        return spec, DatasetSubject(spec, options, entry)
    if isinstance(spec, MetricSpec):
        return spec, MetricSubject(spec, entry)
    if isinstance(spec, StudySpec):
        return spec, StudySubject(spec, registry, entry)
    raise TypeError(f"{type(spec).__name__} has no checks, expected a spec of a method, dataset, metric or study")


def find_offer(name: str, registry: Registry, kind: type[Declaration] = Declaration) -> Offer[Any] | None:
    """Return the method, dataset, metric or study of a name; None if there is none.

    Args:
        name: Name to look up.
        registry: Registry to look it up in.
        kind: Kind of spec; `Declaration` is every kind.
    """
    return next((offer for known, offer in _offers(registry, kind) if known == name), None)


def _offers(registry: Registry, kind: type[Declaration]) -> Iterator[tuple[str, Offer[Any]]]:
    for offers in (registry.methods, registry.datasets, registry.metrics, registry.studies):
        for name, offer in offers.items():
            if isinstance(offer.spec, kind):
                yield name, offer


def _call(check: Check[Any], subject: Any) -> None:
    """Run a check within pytest."""
    import pytest

    try:
        check.run(subject)
    except NotApplicableError as reason:
        pytest.skip(reason.message)


def _settle(results: Iterator[Result]) -> list[Result]:
    """Return all results; raises `NonconformityError` if one of them is a failure or an unexpected pass."""
    found = list(results)
    if wrong := [result for result in found if not result.ok]:
        lines = "".join(f"\n  {result.check}: {result.status}: {result.reason}" for result in wrong)
        raise NonconformityError(f"{wrong[0].subject} fails {len(wrong)} of {len(found)} checks:{lines}")
    return found
