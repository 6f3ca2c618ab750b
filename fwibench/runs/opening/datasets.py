"""Datasets, built from the names and options of users and cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from fwibench.errors import DataError, FwibenchError, OptionError, PluginError, UnknownNameError
from fwibench.plugins.isolation import blaming
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.artefacts.cell import Cell, CellDataset
from fwibench.runs.artefacts.record import Record
from fwibench.specs.dataset import PROFILES, DatasetSpec, Profile
from fwibench.specs.options import validate_options
from fwibench.text.readable import shorten

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset
    from fwibench.samples import Split


def open_dataset(registry: Registry, name: str, profile: Profile, options: Mapping[str, Any] | None = None) -> Dataset:
    """Build a dataset by name, without reading its data.

    Args:
        registry: Registry of the datasets.
        name: Name of the dataset.
        profile: Size of the data.
        options: Options that differ from the defaults.

    Returns:
        The dataset.

    Raises:
        UsageError: The name, an option or a value is invalid.
        DataError: A file that the dataset needs cannot be read.
        PluginError: The dataset's code fails.
    """
    if profile not in PROFILES:
        raise UnknownNameError.among("profile", profile, PROFILES)
    spec = registry.dataset(name).spec
    return _load(spec, validate_options(name, spec.options, {}, options or {}), profile)


def choose_scheme(dataset: Dataset, split: str | None) -> str:
    """Return a split scheme of a dataset; None selects its first.

    Raises:
        UnknownNameError: The dataset has no such scheme.
    """
    schemes = dataset.spec.schemes
    if split and split not in schemes:
        raise UnknownNameError.among(f"split of {dataset.spec.name}", split, schemes)
    return split or schemes[0]


def ensure_samples(dataset: Dataset, progress: Callable[[int, int], None]) -> None:
    """Make the samples of a dataset that are missing, and check those that exist.

    Args:
        dataset: The dataset.
        progress: Called with the numbers of finished and of all samples.

    Raises:
        DataError: Samples cannot be made, or are damaged.
    """
    if not dataset.prepared():
        dataset.prepare(progress)
    dataset.check()


def build_dataset(registry: Registry, chosen: CellDataset, profile: Profile) -> Dataset:
    """Build a dataset of a cell without comparing fingerprints; its samples may have changed or be absent.

    Args:
        registry: Registry of the datasets.
        chosen: `fitted_on` or `scored_on` of the cell.
        profile: Profile of the cell.

    Returns:
        The dataset.

    Raises:
        OptionError: The installed dataset does not accept the options.
    """
    spec = registry.dataset(chosen.dataset).spec
    try:
        options = spec.options.model_validate(chosen.dataset_options)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise OptionError(
            f"dataset option {'.'.join(map(str, first['loc']))} of {chosen.dataset}: {first['msg']}",
            f"fwibench info {spec.name} lists the options",
        ) from error
    return _load(spec, options, profile)


def reopen_dataset(registry: Registry, cell: Cell) -> Dataset:
    """Build the dataset that a cell is scored on.

    Raises:
        FwibenchError: The samples have changed since the cell was planned.
    """
    return _reopen(registry, cell.scored_on, cell.profile)


def reopen_fitted_dataset(registry: Registry, cell: Cell) -> Dataset:
    """Build the dataset whose problem the method of a cell is built for.

    Raises:
        FwibenchError: The samples have changed since the cell was planned.
    """
    return _reopen(registry, cell.fitted_on, cell.profile)


def _reopen(registry: Registry, chosen: CellDataset, profile: Profile) -> Dataset:
    dataset = build_dataset(registry, chosen, profile)
    if dataset.fingerprint != chosen.fingerprint:
        raise FwibenchError(f"{chosen.dataset} changed since the run was planned", "run the command again")
    return dataset


def load_problem(record: Record, registry: Registry) -> tuple[Problem, float, list[str]]:
    """Return the problem that a run's method is built for, the share of missing traces in its data, and warnings.

    The samples need not be on this machine.

    Args:
        record: Record of the run.
        registry: Registry of the datasets.

    Raises:
        FwibenchError: The dataset has changed since the run.
    """
    cell = record.cell
    dataset, warnings = build_dataset(registry, cell.fitted_on, cell.profile), []
    try:
        known = dataset.fingerprint
    except (FwibenchError, OSError):
        known = cell.fingerprint
        warnings.append(
            f"the files of {cell.dataset} are not on this machine, so they cannot be compared with those of the run"
        )
    if known != cell.fingerprint:
        raise FwibenchError(
            f"{cell.dataset} has changed since {record.run_id} was run, so its scaling may differ",
            "run the method again on the current dataset",
        )
    return dataset.measured_problem, dataset.options.missing_traces, warnings


def scored_split(dataset: Dataset, cell: Cell) -> Split:
    """Return the test samples that a cell is scored on."""
    test = dataset.split(cell.scored_on.split, "test")
    return test if cell.test_samples is None else test.spread(cell.test_samples)


def _load(spec: DatasetSpec, options: BaseModel, profile: Profile) -> Dataset:
    with opening(spec):
        implementation: Callable[..., Dataset] = spec.load()
        dataset = implementation(spec, options, profile)
        dataset.check_options()
        return dataset


@contextmanager
def opening(spec: DatasetSpec) -> Iterator[None]:
    """Convert errors of a dataset's code in the block to `DataError` for files and `PluginError` otherwise."""
    with blaming(partial(_fault, spec)):
        try:
            yield
        except OSError as error:
            if not error.filename:
                raise
            raise DataError(
                f"dataset '{spec.name}' cannot be opened: {error.strerror}: {shorten(str(error.filename))}",
                "check the paths in its options, and their permissions",
            ) from error


def _fault(spec: DatasetSpec, what: str) -> PluginError:
    return PluginError(
        f"dataset '{spec.name}' ({spec.target}) cannot be opened: {what}",
        "--debug shows where; leave the dataset out, or report it to the author of its plugin",
    )
