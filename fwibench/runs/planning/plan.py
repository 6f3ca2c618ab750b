"""From what the user asks for to a list of cells.

Invariant: planning reads specs and records only. Nothing heavy is imported, nothing is written, and
whatever the user got wrong is said here, before any work is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from fwibench.errors import UnknownNameError, UsageError
from fwibench.files.states import content_hashes
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.machine.devices import device_refusal
from fwibench.runs.planning.grammar import MOST_CELLS, Selected, check_size, parse_selection, parse_settings
from fwibench.specs.dataset import Profile
from fwibench.specs.method import MethodSpec
from fwibench.specs.options import validate_options

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset
from fwibench.runs.opening.datasets import open_dataset, opening


@dataclass(frozen=True)
class Request:
    """What the user asks for; the fields are the options of `fwibench run`."""

    methods: str
    dataset: str
    split: str | None = None
    seeds: int = 1
    first_seed: int = 0
    profile: Profile = "quick"
    test_samples: int | None = None
    device: str = "auto"
    settings: tuple[str, ...] = ()
    time_limit: float | None = None
    metrics: tuple[str, ...] = ()
    results: Path = Path("results")
    force: bool = False
    max_cells: int = MOST_CELLS


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


def make_plan(request: Request, registry: Registry) -> list[PlannedCell]:
    """Lists the cells of a request, in the order they will run.

    Raises:
        UsageError: A name, an option or a value is wrong.
    """
    methods = parse_selection(request.methods, request.max_cells)
    settings = parse_settings(request.settings)
    named = list(_named(methods, settings, registry))
    for name in settings:
        if name not in named:
            raise UnknownNameError.among("selected method", name, named)
    for metric in request.metrics:
        registry.metric(metric)
    if request.seeds < 1:
        raise UsageError(f"--seeds is {request.seeds}, expected 1 or more")
    if request.first_seed < 0:
        raise UsageError(f"--first-seed is {request.first_seed}, expected 0 or more")
    if request.test_samples is not None and request.test_samples < 1:
        raise UsageError(f"--test-samples is {request.test_samples}, expected 1 or more")
    results = Results(request.results)
    datasets = parse_selection(request.dataset, request.max_cells)
    repeated = [1 if registry.method(item.name).spec.deterministic else request.seeds for item in methods]
    check_size("the request", len(datasets) * sum(repeated), request.max_cells)
    planned: dict[str, PlannedCell] = {}
    for chosen in datasets:
        dataset = open_dataset(registry, chosen.name, request.profile, chosen.options)
        split = request.split or dataset.spec.schemes[0]
        if split not in dataset.spec.schemes:
            raise UnknownNameError.among(f"split of {chosen.name}", split, dataset.spec.schemes)
        with opening(dataset.spec):
            place = _Place(dataset, split, _sizes(dataset, split))
        for item in methods:
            wanted = Selected(name=item.name, options={**settings.get(item.name, {}), **item.options})
            for one in _cells(wanted, place, request, registry, settings):
                if not request.force:
                    one.cached = results.finished(one.cell)
                planned.setdefault(one.cell.key, one)
    return list(planned.values())


def _named(methods: Iterable[Selected], settings: Mapping[str, dict[str, str]], registry: Registry) -> Iterator[str]:
    """The selected methods and those that they build on: whose options may be set."""
    for item in methods:
        spec = registry.method(item.name).spec
        yield spec.name
        if spec.builds_on:
            default = spec.options.model_fields[spec.builds_on].default
            yield {**settings.get(spec.name, {}), **item.options}.get(spec.builds_on, default)


def differing_options(spec: MethodSpec, profile: Profile, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a method's options, as plain data, that are not what the profile sets."""
    usual = spec.options.model_validate(spec.profiles.get(profile, {})).model_dump(mode="json")
    return {name: value for name, value in options.items() if name not in usual or value != usual[name]}


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


def _cells(
    item: Selected,
    place: _Place,
    request: Request,
    registry: Registry,
    settings: Mapping[str, dict[str, str]],
) -> Iterator[PlannedCell]:
    """The cells of one method with one choice of options; before them those of the method it builds on."""
    offer, dataset = registry.method(item.name), place.dataset
    spec = offer.spec
    preset = spec.profiles.get(request.profile, {})
    validated = validate_options(item.name, spec.options, preset, item.options)
    files, options = _named_files(spec, validated), validated.model_dump(mode="json")
    skip = place.refusal(spec, options, request.device)
    bases: list[PlannedCell] = []
    if spec.builds_on and not skip:
        below = registry.method(options[spec.builds_on]).spec
        if below.builds_on or below.track == "oracle-start":
            why = "builds on another method" if below.builds_on else "starts from the truth"
            raise UsageError(f"{spec.name} cannot build on {below.name}, which {why}", "name another method")
        wanted = Selected(name=below.name, options=settings.get(below.name, {}))
        bases = list(_cells(wanted, place, request, registry, settings))
        skip = bases[0].skip
        yield from bases
    seeds = range(1) if spec.deterministic else range(request.first_seed, request.first_seed + request.seeds)
    for turn, seed in enumerate(seeds):
        cell = Cell(
            method=spec.name,
            method_version=spec.version,
            options=options,
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
        yield PlannedCell(cell, dataset, differing_options(spec, request.profile, options), skip=skip)
