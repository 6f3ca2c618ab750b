"""What a method costs on a dataset's problem, before anything is run.

Invariant: the method is built and asked. No data are read or made, nothing is trained, nothing is kept.
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
    """A method on a dataset's problem."""

    method: str
    options: dict[str, Any] = Field(description="effective options: defaults, profile and the user's")
    dataset: str
    dataset_options: dict[str, Any]
    profile: Profile
    measurement_shape: tuple[int, int, int]
    property_shape: tuple[int, int, int]
    unit: str = Field(description="of the property")
    layers: tuple[Layer, ...] = Field(description="in order of execution; empty where the method tells none")
    complexity: Complexity | None = Field(description="None where it is known only after fit")
    published: tuple[Published, ...] = Field(description="what publications print of the method on this dataset")


def inspect_method(registry: Registry, method: Selected, dataset: Selected, profile: Profile) -> Inspection:
    """Builds a method for a dataset's problem, on the CPU, and asks what it costs.

    Args:
        registry: Where both are looked up.
        method: The method with its options.
        dataset: The dataset with its options.
        profile: Whose options of the method are taken where `method` gives none.

    Raises:
        UsageError: A name or an option is wrong, or the method cannot take the dataset's measurements.
    """
    opened = open_dataset(registry, dataset.name, profile, dataset.options)
    spec = registry.method(method.name).spec
    if reason := spec.refusal(opened.problem, dataset.name):
        raise UsageError(reason, "fwibench info NAME says what a method needs and what a dataset has")
    options = validate_options(spec.name, spec.options, spec.profiles.get(profile, {}), method.options)
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
