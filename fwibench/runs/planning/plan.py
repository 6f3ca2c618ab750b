"""The cells of a request.

Invariant: planning reads specs and records only. It imports no heavy package and writes nothing, and it validates the
whole request before any work is done.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from fwibench.errors import UnknownNameError, UsageError
from fwibench.files.states import content_hashes
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell, CellDataset
from fwibench.runs.artefacts.format1 import Format1Cells
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.machine.devices import check_device, unsupported_device_reason
from fwibench.runs.opening.datasets import choose_scheme, open_dataset, opening
from fwibench.runs.planning.request import Request, Selected, check_size
from fwibench.runs.planning.transfers import differing_problems, transfer_refusal
from fwibench.specs.dataset import Profile
from fwibench.specs.method import LENGTH, FittedOptions, MethodSpec
from fwibench.specs.options import validate_options

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset


@dataclass
class PlannedCell:
    """A cell, its dataset, and whether it has to run.

    Attributes:
        cell: The cell.
        dataset: Dataset that the cell is scored on.
        fitted_dataset: Dataset that the model of a transferred cell was fitted on; None for other cells.
        chosen: Options that differ from those of the profile, to distinguish cells in tables.
        cached: Its finished record, a cache hit; None if the cell has to run.
        skip: Why it cannot run; empty if it can.
        track: Track on which its result is ranked.
    """

    cell: Cell
    dataset: Dataset = field(repr=False)
    chosen: dict[str, Any] = field(default_factory=dict)
    cached: Record | None = None
    skip: str = ""
    fitted_dataset: Dataset | None = field(default=None, repr=False)
    track: str = "standard"

    @property
    def method_dataset(self) -> Dataset:
        """Dataset whose problem the method is built for."""
        return self.fitted_dataset or self.dataset

    def doubts(self) -> list[str]:
        """Return a sentence for each difference between the problems of a transferred cell."""
        return differing_problems(self.method_dataset, self.dataset)

    @property
    def will_run(self) -> bool:
        """Whether a run of the plan executes it."""
        return self.cached is None and not self.skip


def make_plan(request: Request, registry: Registry, known: Iterable[Cell] = ()) -> list[PlannedCell]:
    """Return the cells of a request in the order of execution.

    Args:
        request: Methods, datasets and settings to run.
        registry: Registry of methods, datasets and metrics.
        known: Cells whose names are kept if the plan has equivalent cells; see `Format1Cells`.

    Returns:
        The planned cells, each once.

    Raises:
        UsageError: A name, an option or a value is invalid.
    """
    _check(request, registry)
    results = Results(request.results)
    format1 = Format1Cells(request.results / "runs", tuple(known))
    planned: dict[str, PlannedCell] = {}
    tested = [_open_tested(request, registry, chosen) for chosen in request.test_on]
    for chosen in request.datasets:
        dataset = open_dataset(registry, chosen.name, request.profile, chosen.options)
        split = choose_scheme(dataset, request.split)
        with opening(dataset.spec):
            target = _DatasetSplit(dataset, split, _split_sizes(dataset, split))
        planner = _Planner(request, registry, target, format1)
        for item in request.methods:
            for one in planner.plan_with_transfers(item, tested):
                if not request.force:
                    one.cached = results.finished(one.cell)
                planned.setdefault(one.cell.key, one)
    return list(planned.values())


def _check(request: Request, registry: Registry) -> None:
    """Raise `UsageError` for invalid names and numbers."""
    named = list(configurable_methods(request, registry))
    for name in request.settings:
        if name not in named:
            raise UnknownNameError.among("selected method", name, named)
    for metric in request.metrics:
        registry.metric(metric)
    for name in request.log:
        registry.logger(name)
    for option, value, least in (
        ("seeds", request.seeds, 1),
        ("first-seed", request.first_seed, 0),
        ("test-samples", request.test_samples, 1),
        ("jobs", request.jobs, 1),
        ("devices-per-cell", request.devices_per_cell, 1),
    ):
        if value is not None and value < least:
            raise UsageError(f"--{option} is {value}, expected {least} or more")
    check_seconds("time limit", request.time_limit)
    check_seconds("time budget", request.budget)
    check_device(request.device)
    repeated = [1 if registry.method(item.name).spec.deterministic else request.seeds for item in request.methods]
    places = len(request.datasets) * (1 + len(request.test_on))
    check_size("the request", places * sum(repeated), request.max_cells)


def configurable_methods(request: Request, registry: Registry) -> Iterator[str]:
    """Yield the names of the selected methods and of those that they build on: `settings` may refer to these."""
    for item in request.methods:
        spec = registry.method(item.name).spec
        yield spec.name
        if spec.builds_on:
            default = spec.options.model_fields[spec.builds_on].default
            yield {**request.settings.get(spec.name, {}), **item.options}.get(spec.builds_on, default)


def check_seconds(what: str, seconds: float | None) -> None:
    """Raise `UsageError` unless a time is positive and finite, or None.

    Args:
        what: What it is, for the message.
        seconds: The time [s].
    """
    if seconds is not None and not 0 < seconds < math.inf:
        raise UsageError(f"the {what} is {seconds:g} s, expected more than 0")


def check_length(owner: str, given: Iterable[str]) -> None:
    """Check the options of a training that has a time budget.

    Args:
        owner: Name of the method, for the message.
        given: Options that the user gives.

    Raises:
        UsageError: One of them sets the length of the training, as the budget does.
    """
    if name := next((name for name in given if name in LENGTH), ""):
        raise UsageError(
            f"{name} of {owner} and a time budget both set the length of its training", "leave one of them out"
        )


def metric_names(asked: Iterable[str], registry: Registry) -> list[str]:
    """Return the names of the default metrics and of the requested ones."""
    default = [name for name, offer in registry.metrics.items() if offer.spec.default]
    return list(dict.fromkeys([*default, *asked]))


def differing_options(spec: MethodSpec, profile: Profile, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a method that differ from those of a profile, to distinguish cells in tables.

    Args:
        spec: Spec of the method.
        profile: Profile with the reference values.
        options: All options, as plain data.

    Returns:
        The differing options.
    """
    return _differing(options, spec.options.model_validate(spec.preset(profile)))


def non_default_options(spec: MethodSpec, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a method, as plain data, that differ from the defaults of its version."""
    return _differing(options, spec.options.model_construct())


def _differing(options: Mapping[str, Any], reference: BaseModel) -> dict[str, Any]:
    known = reference.model_dump(mode="json", warnings=False)
    return {name: value for name, value in options.items() if name not in known or value != known[name]}


@dataclass(frozen=True)
class _DatasetSplit:
    """A dataset with a split scheme, and the number of samples of each split."""

    dataset: Dataset
    split: str
    sizes: dict[str, int]

    def unsupported_reason(self, method: MethodSpec, options: BaseModel, device: str) -> str:
        """Return why a method cannot run on the dataset; empty if it can. Reads no data.

        Args:
            method: Spec of the method.
            options: Its options: they may not suit the problem, and may decide whether it needs train samples.
            device: Requested device.
        """
        name, learns = self.dataset.spec.name, method.learns(options.model_dump(mode="json"))
        if reason := method.refusal(self.dataset.problem, name, options):
            return reason
        needed = ("train", "test") if learns else ("test",)
        if absent := [split for split in needed if not self.sizes[split]]:
            what = "learns from train samples" if absent == ["train"] else "is scored on test samples"
            return f"{method.name} {what}, {name} has none in its split {self.split}"
        if learns and self.sizes["train"] < method.min_train:
            few = f"{name} has {self.sizes['train']} in its split {self.split}"
            return f"{method.name} needs {method.min_train} train samples at least, {few}"
        return unsupported_device_reason(method, device)


def _named_files(spec: MethodSpec, options: BaseModel) -> dict[str, str]:
    """Return the SHA-256 of the files that options name, by option: a result depends on their content.

    Raises:
        UsageError: The file of the start model does not exist.
    """
    named = {name: value for name, value in options if isinstance(value, Path)}
    start = named.get(spec.start_option)
    if start is not None and not start.is_file():
        raise UsageError(f"{spec.start_option} of {spec.name} is {start}: no such file", "give an .npy file of one map")
    files = {name: path for name, path in named.items() if path.is_file()}
    return dict(zip(files, content_hashes(files.values()), strict=True))


def _open_tested(request: Request, registry: Registry, chosen: Selected) -> Dataset:
    """Open a dataset of `test_on`, and compute what is cached so that errors are raised here."""
    dataset = open_dataset(registry, chosen.name, request.profile, chosen.options)
    with opening(dataset.spec):
        for scheme in dataset.spec.schemes:
            _split_sizes(dataset, scheme)
    return dataset


def _split_sizes(dataset: Dataset, split: str) -> dict[str, int]:
    """Return the number of samples of each split.

    The cached problem and fingerprint are computed too, so that their errors are raised inside of `opening`.
    """
    _ = dataset.problem, dataset.fingerprint
    return {name: len(chosen) for name, chosen in dataset.selected(split).items()}


@dataclass(frozen=True)
class _Planner:
    """Planner of a request's cells on one dataset and split scheme."""

    request: Request
    registry: Registry
    target: _DatasetSplit
    format1: Format1Cells

    def plan_with_transfers(self, item: Selected, tested: Sequence[Dataset]) -> Iterator[PlannedCell]:
        """Yield the cells of a method, followed by those that apply its fitted models to other datasets."""
        own = list(self.plan_cells(item))
        yield from own
        for one in own:
            # not those of the method that it builds on
            if one.cell.method == item.name:
                yield from filter(None, (self._plan_transfer(one, dataset) for dataset in tested))

    def _plan_transfer(self, one: PlannedCell, tested: Dataset) -> PlannedCell | None:
        """Return the cell that applies a cell's model to another dataset; None if `one` is scored on it already."""
        target = CellDataset(
            dataset=tested.spec.name,
            dataset_options=tested.options.model_dump(mode="json", exclude_defaults=True),
            fingerprint=tested.fingerprint,
            split=self.target.split if self.target.split in tested.spec.schemes else tested.spec.schemes[0],
        )
        if (target.fingerprint, target.split) == (one.cell.fingerprint, one.cell.split):
            return None
        spec = self.registry.method(one.cell.method).spec
        skip = one.skip or transfer_refusal(spec, one.cell.options, one.dataset, tested, target.split)
        # a copy would keep the cached key
        cell = Cell.model_validate({**one.cell.model_dump(), "tested_on": target, "model": one.cell.run_id})
        return PlannedCell(
            self.format1.adopt(cell), tested, one.chosen, skip=skip, fitted_dataset=one.dataset, track=one.track
        )

    def plan_cells(self, item: Selected) -> Iterator[PlannedCell]:
        """Yield the cells of a method with one combination of options, after those of the method it builds on."""
        request, target, dataset = self.request, self.target, self.target.dataset
        offer = self.registry.method(item.name)
        spec = offer.spec
        given = {**request.settings.get(spec.name, {}), **item.options}
        if request.budget is not None and spec.trains:
            check_length(spec.name, given)
        validated = validate_options(spec.name, spec.options, spec.preset(request.profile, given), given)
        files, options = _named_files(spec, validated), validated.model_dump(mode="json")
        skip = target.unsupported_reason(spec, validated, request.device)
        origin = validated.origin() if isinstance(validated, FittedOptions) else None
        track = spec.track_of(origin, dataset.fingerprint, target.split)
        seeds = range(1) if spec.deterministic else range(request.first_seed, request.first_seed + request.seeds)
        bases: list[PlannedCell] = []
        if spec.builds_on and not skip:
            bases = list(self._plan_bases(spec, options, seeds))
            skip = bases[0].skip
            track = bases[0].track if track == "standard" else track
            yield from bases
        non_default, chosen = non_default_options(spec, options), differing_options(spec, request.profile, options)
        if origin:
            chosen["model"] = origin.label
        run_of = {one.cell.seed: one.cell.run_id for one in bases}
        for seed in seeds:
            # a deterministic base has one cell
            below = [run_of.get(number, bases[0].cell.run_id) for number in spec.members_of(seed, options) if bases]
            cell = Cell(
                method=spec.name,
                method_version=spec.version,
                options=options,
                non_default=non_default,
                dataset=dataset.spec.name,
                dataset_options=dataset.options.model_dump(mode="json", exclude_defaults=True),
                fingerprint=dataset.fingerprint,
                split=target.split,
                seed=seed,
                profile=request.profile,
                test_samples=request.test_samples,
                budget=request.budget,
                base=below[0] if below else "",
                members=tuple(below) if spec.members else (),
                plugin=offer.plugin.distribution if offer.replaces else "",
                files=files,
            )
            yield PlannedCell(self.format1.adopt(cell), dataset, chosen, skip=skip, track=track)

    def _plan_bases(self, spec: MethodSpec, options: Mapping[str, Any], seeds: range) -> Iterator[PlannedCell]:
        """Yield the cells on which some seeds of a method build.

        Args:
            spec: Spec of the method.
            options: Its options.
            seeds: Its seeds.
        """
        base = self.registry.method(options[spec.builds_on]).spec
        if base.builds_on or base.track == "oracle-start":
            why = "builds on another method" if base.builds_on else "starts from the truth"
            raise UsageError(f"{spec.name} cannot build on {base.name}, which {why}", "name another method")
        if spec.members and base.deterministic:
            why = "is deterministic, so that all members are equal"
            raise UsageError(
                f"{spec.name} cannot build on {base.name}, which {why}", "name a method with a random seed"
            )
        first, last = (spec.members_of(seed, options) for seed in (seeds[0], seeds[-1]))
        request = replace(self.request, first_seed=first.start, seeds=last.stop - first.start)
        yield from replace(self, request=request).plan_cells(Selected(name=base.name))
