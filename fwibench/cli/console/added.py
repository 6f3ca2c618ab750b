"""Report on a dataset that was added: splits, notes, fit of the physics, methods for a first run."""

from __future__ import annotations

import math
import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fwibench.cli.console.agreements import print_agreements
from fwibench.cli.console.output import console, warn
from fwibench.datasets.user.description import LIMITS
from fwibench.plugins.registry import Registry
from fwibench.text.readable import counted

if TYPE_CHECKING:
    from fwibench.datasets.user.add import AddResult
    from fwibench.problem import Problem


def print_result(result: AddResult, registry: Registry) -> None:
    """Print what was read and assumed, and how well simulations explain the records.

    Args:
        result: Dataset that was added.
        registry: Methods to suggest for a first run.
    """
    description, problem = result.description, result.description.problem
    name = description.name
    _say(
        f"{name}: {counted(description.size, 'sample')} in {counted(len(description.counts), 'pair')} of files, "
        f"measurements {problem.measurement_shape}, maps {problem.property_shape}"
    )
    for what, found, unit in (
        ("measurements", result.amplitude, ""),
        (problem.property.name, result.property, f" {problem.property.unit}"),
    ):
        _say(f"{what} {found.low:g} to {found.high:g}{unit}, in {found.read} of {counted(description.size, 'sample')}")
    train = description.size - description.n_val - description.n_test
    how = (
        "by --test-numbers" if description.test_numbers else "in order" if description.split == "last" else "at random"
    )
    _say(f"split {how}: {train} train, {description.n_val} val, {description.n_test} test")
    if description.size > min(LIMITS.values()):
        _say("; ".join(f"profile {profile} takes {limit} of them at most" for profile, limit in LIMITS.items()))
    print_agreements("recorded and simulated", result.agreements)
    for note in result.notes:
        if note.startswith("warning: "):
            warn(note.removeprefix("warning: "))
        else:
            _say(note)
    _print_offers(result)
    if methods := _first_methods(registry, problem, name, train):
        _say(f"try: fwibench run --methods {shlex.quote(','.join(methods))} --dataset {name}")


def _first_methods(registry: Registry, problem: Problem, dataset: str, train: int) -> list[str]:
    """Methods that show quickly whether the data are usable: deterministic ones, or else some without training."""
    from fwibench.runs.prediction.invert import GRADIENT, inverting_methods

    able = [spec for offer in registry.methods.values() if not (spec := offer.spec).refusal(problem, dataset)]
    if train:
        return [
            spec.name
            for spec in able
            if spec.deterministic and spec.needs_fit and not spec.physics and not spec.builds_on
            if spec.min_train <= train and spec.track == "standard"
        ][:2]
    return [f"{spec.name}[{spec.start_option}={GRADIENT}]" for spec in inverting_methods(registry) if spec in able][:1]


def _print_offers(result: AddResult) -> None:
    from fwibench.datasets.user.physics_fit import show_share

    for offer in result.offers:
        _say(f"better explained, to {show_share(offer.residual)}, with: {offer.options}")
    name = result.description.name
    if result.offers:
        _say(f"to use them: fwibench data remove {name}, then add it again with these options")
    elif result.agreements and result.description.problem.physics is None:
        _say(
            "no delay, amplitude scale, depth, order, absorbing layer, Courant number or free surface explains the "
            "records better; check positions, spacing, time step and the wavelet"
        )


def result_as_json(result: AddResult) -> dict[str, Any]:
    """Return the result as values of JSON."""
    description = result.description
    return {
        "name": description.name,
        "samples": description.size,
        "counts": description.counts,
        "problem": description.problem.model_dump(mode="json", exclude_defaults=True),
        "splits": {
            "train": description.size - description.n_val - description.n_test,
            "val": description.n_val,
            "test": description.n_test,
        },
        "measurements": asdict(result.amplitude),
        "properties": asdict(result.property),
        "notes": result.notes,
        # JSON has no NaN, which the correlation with a record of zeros is
        "agreements": [
            {name: value if value is None or math.isfinite(value) else None for name, value in asdict(one).items()}
            for one in result.agreements
        ],
        "offers": [{"options": one.options, "residual": one.residual} for one in result.offers],
    }


def _say(text: str) -> None:
    console().print(text, markup=False, soft_wrap=True)
