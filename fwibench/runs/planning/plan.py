"""From what the user asks for to a list of cells.

Invariant: planning reads specs and records only. Nothing heavy is imported, nothing is written, and
whatever the user got wrong is said here, before any work is done.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from fwibench.errors import UnknownNameError, UsageError
from fwibench.files.states import content_hashes
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.former import FormerCells
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.machine.devices import check_device, device_refusal
from fwibench.runs.opening.datasets import open_dataset, opening
from fwibench.runs.planning.request import Request, Selected, check_size
from fwibench.specs.dataset import Profile
from fwibench.specs.method import MethodSpec
from fwibench.specs.options import validate_options

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset


@dataclass
class PlannedCell:
    """A cell, the dataset it needs, and what is known of it already.

    Attributes:
        chosen: Options that differ from what the profile sets, for people to tell cells apart.
        cached: Its finished record; None if it has to run.
        skip: Why it cannot run at all; empty if it can.
    """

    cell: Cell
    dataset: Dataset = field(repr=False)
    chosen: dict[str, Any] = field(default_factory=dict)
    cached: Record | None = None
    skip: str = ""


def make_plan(request: Request, registry: Registry, known: Iterable[Cell] = ()) -> list[PlannedCell]:
    """List the cells of a request, in the order they will run.

    Args:
        request: What is to be run.
        registry: Where methods, datasets and metrics are looked up.
        known: Cells whose names are kept where the plan makes the same cells; see `FormerCells`.

    Raises:
        UsageError: A name, an option or a value is wrong.
    """
    _check(request, registry)
    results = Results(request.results)
    former = FormerCells(request.results / "runs", tuple(known))
    planned: dict[str, PlannedCell] = {}
    for chosen in request.datasets:
        dataset = open_dataset(registry, chosen.name, request.profile, chosen.options)
        split = request.split or dataset.spec.schemes[0]
        if split not in dataset.spec.schemes:
            raise UnknownNameError.among(f"split of {chosen.name}", split, dataset.spec.schemes)
        with opening(dataset.spec):
            place = _Place(dataset, split, _sizes(dataset, split))
        planner = _Planner(request, registry, place, former)
        for item in request.methods:
            for one in planner.cells(item):
                if not request.force:
                    one.cached = results.finished(one.cell)
                planned.setdefault(one.cell.key, one)
    return list(planned.values())


def _check(request: Request, registry: Registry) -> None:
    """Raise `UsageError` for names and numbers that no plan can be made of."""
    named = list(_named(request, registry))
    for name in request.settings:
        if name not in named:
            raise UnknownNameError.among("selected method", name, named)
    for metric in request.metrics:
        registry.metric(metric)
    for option, value, least in (
        ("seeds", request.seeds, 1),
        ("first-seed", request.first_seed, 0),
        ("test-samples", request.test_samples, 1),
    ):
        if value is not None and value < least:
            raise UsageError(f"--{option} is {value}, expected {least} or more")
    if request.time_limit is not None and not 0 < request.time_limit < math.inf:
        raise UsageError(f"the time limit is {request.time_limit:g} s, expected more than 0")
    check_device(request.device)
    repeated = [1 if registry.method(item.name).spec.deterministic else request.seeds for item in request.methods]
    check_size("the request", len(request.datasets) * sum(repeated), request.max_cells)


def _named(request: Request, registry: Registry) -> Iterator[str]:
    """The selected methods and those that they build on: whose options may be set."""
    for item in request.methods:
        spec = registry.method(item.name).spec
        yield spec.name
        if spec.builds_on:
            default = spec.options.model_fields[spec.builds_on].default
            yield {**request.settings.get(spec.name, {}), **item.options}.get(spec.builds_on, default)


def differing_options(spec: MethodSpec, profile: Profile, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those options of a method that are not what the profile sets, for people to tell cells apart.

    Args:
        spec: Of the method.
        profile: Whose values are usual.
        options: All options, as plain data.
    """
    return _differing(options, spec.options.model_validate(spec.profiles.get(profile, {})))


def non_default_options(spec: MethodSpec, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those options of a method, as plain data, that differ from the defaults of its version."""
    return _differing(options, spec.options.model_construct())


def _differing(options: Mapping[str, Any], usual: BaseModel) -> dict[str, Any]:
    known = usual.model_dump(mode="json", warnings=False)
    return {name: value for name, value in options.items() if name not in known or value != known[name]}


@dataclass(frozen=True)
class _Place:
    """A dataset with a split scheme, and how many samples each of its splits has."""

    dataset: Dataset
    split: str
    sizes: dict[str, int]

    def refusal(self, method: MethodSpec, options: Mapping[str, Any], device: str) -> str:
        """Why a method cannot run here; empty if it can. Nothing heavy is imported, no data are read.

        Args:
            method: Its spec.
            options: Its options, as plain data: they may decide whether it needs train samples.
            device: The one that was asked for.
        """
        dataset, needed = self.dataset, ("train", "test") if method.learns(options) else ("test",)
        name = dataset.spec.name
        if reason := method.refusal(dataset.problem, name):
            return reason
        if absent := [split for split in needed if not self.sizes[split]]:
            what = "learns from train samples" if absent == ["train"] else "is judged by test samples"
            return f"{method.name} {what}, {name} has none in its split {self.split}"
        if method.learns(options) and self.sizes["train"] < method.min_train:
            few = f"{name} has {self.sizes['train']} in its split {self.split}"
            return f"{method.name} needs {method.min_train} train samples at least, {few}"
        return device_refusal(method, device)


def _named_files(spec: MethodSpec, options: BaseModel) -> dict[str, str]:
    """SHA-256 of the files that options name, by option: what a file holds decides a result, not its name alone.

    Raises:
        UsageError: The option that names a start model names a file that is not there.
    """
    named = {name: value for name, value in options if isinstance(value, Path)}
    start = named.get(spec.start_option)
    if start is not None and not start.is_file():
        raise UsageError(f"{spec.start_option} of {spec.name} is {start}: no such file", "give an .npy file of one map")
    files = {name: path for name, path in named.items() if path.is_file()}
    return dict(zip(files, content_hashes(files.values()), strict=True))


def _sizes(dataset: Dataset, split: str) -> dict[str, int]:
    """Samples of each split; the problem and the fingerprint are asked for too, while faults are caught."""
    _ = dataset.problem, dataset.fingerprint
    return {name: len(chosen) for name, chosen in dataset.indices(split).items()}


@dataclass(frozen=True)
class _Planner:
    """Makes the cells of a request at one place."""

    request: Request
    registry: Registry
    place: _Place
    former: FormerCells

    def cells(self, item: Selected) -> Iterator[PlannedCell]:
        """The cells of one method with one choice of options; before them those of the method it builds on."""
        request, place, dataset = self.request, self.place, self.place.dataset
        offer = self.registry.method(item.name)
        spec = offer.spec
        given = {**request.settings.get(spec.name, {}), **item.options}
        validated = validate_options(spec.name, spec.options, spec.profiles.get(request.profile, {}), given)
        files, options = _named_files(spec, validated), validated.model_dump(mode="json")
        skip = place.refusal(spec, options, request.device)
        bases: list[PlannedCell] = []
        if spec.builds_on and not skip:
            bases = list(self._bases(spec, options[spec.builds_on]))
            skip = bases[0].skip
            yield from bases
        seeds = range(1) if spec.deterministic else range(request.first_seed, request.first_seed + request.seeds)
        for turn, seed in enumerate(seeds):
            cell = Cell(
                method=spec.name,
                method_version=spec.version,
                options=options,
                non_default=non_default_options(spec, options),
                dataset=dataset.spec.name,
                dataset_options=dataset.options.model_dump(mode="json", exclude_defaults=True),
                fingerprint=dataset.fingerprint,
                split=place.split,
                seed=seed,
                profile=request.profile,
                test_samples=request.test_samples,
                base=bases[min(turn, len(bases) - 1)].cell.run_id if bases else "",
                plugin=offer.plugin.distribution if offer.replaces else "",
                files=files,
            )
            chosen = differing_options(spec, request.profile, options)
            yield PlannedCell(self.former.adopt(cell), dataset, chosen, skip=skip)

    def _bases(self, spec: MethodSpec, name: str) -> Iterator[PlannedCell]:
        """The cells of the method that another one builds on."""
        below = self.registry.method(name).spec
        if below.builds_on or below.track == "oracle-start":
            why = "builds on another method" if below.builds_on else "starts from the truth"
            raise UsageError(f"{spec.name} cannot build on {below.name}, which {why}", "name another method")
        yield from self.cells(Selected(name=below.name))
