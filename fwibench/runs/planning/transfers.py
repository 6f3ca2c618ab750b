"""What a fitted model can be transferred to: the test samples of another dataset.

Invariant: a transfer needs arrays of the same kind, shapes and unit; nothing is resampled or converted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fwibench.problem import Problem
from fwibench.specs.method import MethodSpec

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset


def transfer_refusal(spec: MethodSpec, options: Mapping[str, Any], fitted: Dataset, tested: Dataset, split: str) -> str:
    """Return why a model cannot be applied to another dataset; empty if it can. Reads no data.

    Args:
        spec: Spec of the method.
        options: Its options, as plain data.
        fitted: Dataset that the method is fitted on.
        tested: Dataset whose test samples it would predict.
        split: Split scheme of `tested`.
    """
    name, there = spec.name, tested.spec.name
    if spec.track != "standard":
        return f"{name} starts from the truth (track {spec.track}): run it on {there}"
    if not spec.learns(options):
        below = f", and {options[spec.builds_on]} can be tested on it" if spec.builds_on else ""
        return f"{name} learns nothing, so there is no model to transfer: run it on {there}{below}"
    if reason := problem_mismatch(spec, fitted.problem, tested.problem, there):
        return f"{name} is fitted on {fitted.spec.name}, {reason}"
    if not len(tested.indices(split)["test"]):
        return f"{name} is scored on test samples, {there} has none in its split {split}"
    return ""


def problem_mismatch(spec: MethodSpec, ours: Problem, theirs: Problem, there: str) -> str:
    """Return in what two problems differ so that a model of the first one cannot be applied to the second.

    Args:
        spec: Spec of the method.
        ours: Problem that the method is built for.
        theirs: Problem of the data that it is applied to.
        there: Name of these data.

    Returns:
        A relative clause on the data of `ours`; empty if the model can be applied.
    """
    for what, own, other in (
        ("measurements are", ours.survey.kind, theirs.survey.kind),
        ("measurements have shape", ours.measurement_shape, theirs.measurement_shape),
        ("maps have shape", ours.property_shape, theirs.property_shape),
        ("maps have unit", ours.property.unit, theirs.property.unit),
    ):
        if own != other:
            return f"whose {what} {own}, those of {there} {other}"
    if spec.physics and (ours.grid, ours.survey, ours.physics) != (theirs.grid, theirs.survey, theirs.physics):
        return f"with whose grid, survey and physics it simulates, those of {there} differ"
    return ""


def differing_problems(fitted: Dataset, tested: Dataset) -> list[str]:
    """Return a sentence if grid or survey of two datasets differ, though their arrays have the same shapes.

    Args:
        fitted: Dataset that a method is fitted on.
        tested: Dataset whose test samples it predicts.
    """
    ours, theirs = fitted.problem, tested.problem
    differing = [name for name in ("grid", "survey") if getattr(ours, name) != getattr(theirs, name)]
    if not differing:
        return []
    return [f"{fitted.spec.name} and {tested.spec.name} differ in {' and '.join(differing)}"]
