"""Layers and complexity of a method on a dataset's problem, before anything is run.

Invariant: the method is built but not trained; no data are read or generated, and no files remain.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import Field

from fwibench.errors import FwibenchError, MethodError, UsageError
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity, Layer
from fwibench.methods.context import RunContext
from fwibench.plugins.isolation import describe, stdout_to_stderr
from fwibench.plugins.registry import Registry
from fwibench.problem import Frozen
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.planning.request import Selected
from fwibench.specs.dataset import Profile
from fwibench.specs.method import Published
from fwibench.specs.options import validate_options


class Inspection(Frozen):
    """Shapes, layers and complexity of a method on a dataset's problem."""

    method: str
    options: dict[str, Any] = Field(description="effective options: defaults, profile and the user's")
    dataset: str
    dataset_options: dict[str, Any]
    profile: Profile
    measurement_shape: tuple[int, int, int]
    property_shape: tuple[int, int, int]
    unit: str = Field(description="of the property")
    layers: tuple[Layer, ...] = Field(description="in order of execution; empty if the method reports none")
    complexity: Complexity | None = Field(description="None if it is known only after fit")
    published: tuple[Published, ...] = Field(description="published values of the method on this dataset")


def inspect_method(registry: Registry, method: Selected, dataset: Selected, profile: Profile) -> Inspection:
    """Build a method for a dataset's problem on the CPU, and return its layers and complexity.

    Args:
        registry: Registry of methods and datasets.
        method: Method with its options.
        dataset: Dataset with its options.
        profile: Profile that sets the options which `method` does not.

    Returns:
        Shapes, layers and complexity.

    Raises:
        UsageError: A name or an option is invalid, or the method does not accept the dataset's measurements.
        MethodError: The method's code fails.
    """
    opened = open_dataset(registry, dataset.name, profile, dataset.options)
    spec = registry.method(method.name).spec
    options = validate_options(spec.name, spec.options, spec.preset(profile, method.options), method.options)
    if reason := spec.refusal(opened.problem, dataset.name, options):
        raise UsageError(reason, "fwibench info NAME says what a method needs and what a dataset has")
    learns = spec.learns(options.model_dump(mode="json"))
    with TemporaryDirectory() as folder, stdout_to_stderr():
        context = RunContext(workdir=Path(folder), dataset=dataset.name, method=spec.name)
        try:
            implementation: type[Method] = spec.load()
            built = implementation(opened.problem, options, context)
            complexity = _complexity(built, needs_fit=learns or bool(spec.builds_on))
            layers = built.layers()
        except FwibenchError:
            raise
        except (Exception, SystemExit) as error:
            raise MethodError(
                f"{spec.name} ({spec.target}) cannot be built for {dataset.name}: {describe(error)}",
                "--debug shows where",
            ) from error
    return Inspection(
        method=spec.name,
        options=options.model_dump(mode="json"),
        dataset=dataset.name,
        dataset_options=opened.options.model_dump(mode="json"),
        profile=profile,
        measurement_shape=opened.problem.measurement_shape,
        property_shape=opened.problem.property_shape,
        unit=opened.problem.property.unit,
        layers=layers,
        complexity=complexity,
        published=tuple(entry for entry in spec.published if entry.dataset == dataset.name),
    )


def _complexity(method: Method, *, needs_fit: bool) -> Complexity | None:
    try:
        return method.complexity()
    except MethodError:
        if not needs_fit:
            raise
        return None
