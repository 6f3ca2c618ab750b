"""Experiment files: the request of `fwibench run` in a TOML file that can be kept in git.

The keys are the options of the command, with `-` or `_`. Methods and datasets are texts as on the command line, or
tables; paths are relative to the file:

    dataset = "salt"
    seeds = 3
    time-limit = "30m"

    [[methods]]
    name = "invlint"
    options.decoder = "conv"
    grid.alpha = [1, 10]          # every value is a cell of its own

    [set.inversionnet]
    epochs = 20

Invariant: a value of the file becomes the value of the request that the option of the command would give; what
`write_experiment` wrote gives the same plan.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.fields import FieldInfo

from fwibench.errors import FwibenchError, UnknownNameError, UsageError
from fwibench.files.atomic import write_text
from fwibench.files.toml import as_toml, check_value, is_toml, read_toml
from fwibench.plugins.registry import Registry
from fwibench.problem import Frozen
from fwibench.runs.machine.devices import check_device
from fwibench.runs.planning.grammar import Kind, read_selected
from fwibench.runs.planning.plan import configurable_methods
from fwibench.runs.planning.request import MOST_CELLS, Request, Selected, check_size
from fwibench.specs.dataset import Profile
from fwibench.specs.options import check_option, parse_options
from fwibench.text.amounts import (
    parse_duration,
    parse_jobs,
    parse_memory,
    parse_names,
    spell_duration,
    spell_memory,
)
from fwibench.text.quoting import spell

Items = str | tuple[str | dict[str, Any], ...]
Count = Annotated[int, Field(ge=1)]


class Experiment(Frozen):
    """Keys of an experiment file; fields have the names of those of `Request`."""

    methods: Items = Field(description="names as in --methods, or tables with name, options and grid")
    datasets: Items = Field(description="names as in --dataset, or tables with name, options and grid")
    test_on: Items = Field(description="datasets whose test samples fitted models are applied to, written as dataset")
    split: str = Field(description="split scheme")
    seeds: Count = Field(description="number of repetitions, 1 or more")
    first_seed: int = Field(ge=0, description="number of the first repetition, from 0")
    profile: Profile = Field(description="smoke, quick or paper")
    test_samples: Count = Field(description="number of test samples, 1 or more")
    device: str = Field(description="auto, cpu, cuda or cuda:N")
    settings: dict[str, dict[str, Any]] = Field(description="a table of options for each method")
    budget: str | float = Field(description='time of a fit: "30m", or a number of seconds')
    time_limit: str | float = Field(description='time limit of a cell: "30m", or a number of seconds')
    memory_limit: str = Field(description='memory limit of a cell: "8GB"')
    metrics: str | tuple[str, ...] = Field(description="names of further metrics")
    results: str = Field(description="results folder, relative to the file")
    force: bool = Field(description="true runs finished cells again")
    max_cells: Count = Field(description="largest number of cells, 1 or more")
    jobs: int | str = Field(description='number of cells at a time, or "auto"')
    devices_per_cell: Count = Field(description="number of GPUs of a cell, 1 or more")
    cluster: str = Field(description="address of a Dask scheduler, or a file relative to this one")
    log: dict[str, str] = Field(description="a table of destinations by name of the logger; a folder is relative")


class Item(Frozen):
    """A method or dataset of an experiment file."""

    name: str = Field(description="name of a method or dataset")
    options: dict[str, Any] = Field(description="a table of options")
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        description="a list of values for each option; every combination is a cell of its own"
    )


OWN_KEYS = {"datasets": "dataset", "settings": "set"}
"""Keys that differ from the name of the field."""
KEYS = {OWN_KEYS.get(name, name).replace("_", "-"): name for name in Experiment.model_fields}
"""Fields by key."""


def make_request(experiment: Mapping[str, Any], changes: Mapping[str, Any], registry: Registry) -> Request:
    """Return the request of an experiment with changes.

    Each changed value replaces that of the experiment. Changed settings are added to those of the experiment, and also
    replace the options of its methods; settings of methods that are no longer selected have no effect.

    Args:
        experiment: Values of the request by field, from `read_experiment`; empty without a file.
        changes: Values of the request by field, such as those of the command line.
        registry: Registry of the methods.

    Raises:
        UsageError: There is no method or no dataset.
    """
    values = {"methods": (), "datasets": (), **experiment, **changes}
    for option, name in (("methods", "methods"), ("dataset", "datasets")):
        if not values[name]:
            raise UsageError(f"--{option} is missing", "name at least one, or an experiment file with --from FILE")
    before, added = (source.get("settings", {}) for source in (experiment, changes))
    values["settings"] = {name: {**before.get(name, {}), **added.get(name, {})} for name in (*before, *added)}
    if "methods" not in changes:
        values["methods"] = tuple(_without(one, added.get(one.name, {})) for one in values["methods"])
    request = Request(**values)
    if "methods" in changes:
        kept = {*configurable_methods(request, registry), *added}
        settings = {name: options for name, options in request.settings.items() if name in kept}
        request = replace(request, settings=settings)
    return request


def _without(chosen: Selected, names: Iterable[str]) -> Selected:
    return Selected(name=chosen.name, options={key: one for key, one in chosen.options.items() if key not in names})


def read_experiment(path: Path, registry: Registry) -> dict[str, Any]:
    """Read an experiment file.

    Args:
        path: The file.
        registry: Registry of methods, datasets and metrics.

    Returns:
        Values of the request by field; those that the file does not hold are absent.

    Raises:
        UsageError: The file cannot be read, a key or name is unknown, or a value is invalid; names file and key.
    """
    path = Path(os.path.expanduser(path))
    content: dict[str, Any] = {}
    for given, value in read_toml(path, "experiment").items():
        key = given.replace("_", "-")
        if key not in KEYS:
            raise _naming(path, UnknownNameError.among("key of an experiment", given, KEYS))
        if key in content:
            raise UsageError(f"{path}: {key} is given twice", "leave one out")
        content[key] = _check(str(path), given, value, Experiment.model_fields[KEYS[key]])
    reader = _Reader(path.parent.absolute(), registry, content.get("max-cells", MOST_CELLS))
    found = {}
    for key, value in content.items():
        try:
            found[KEYS[key]] = reader.read(KEYS[key], value)
        except FwibenchError as error:
            raise _naming(path, error, key) from error
    return found


def _naming(path: Path, error: FwibenchError, key: str = "") -> FwibenchError:
    """Return an error that also names the file and the key."""
    return type(error)(f"{path}: {f'{key}: ' if key else ''}{error.message}", error.hint)


def _check(where: str, key: str, value: Any, field: FieldInfo) -> Any:
    return check_value(where, key, value, Annotated[field.annotation, field], field.description or "")


@dataclass(frozen=True)
class _Reader:
    """Reads the values of an experiment file.

    Attributes:
        folder: Folder of the file, to which paths are relative.
        registry: Registry of methods, datasets and metrics.
        most: Largest number of points of a grid.
    """

    folder: Path
    registry: Registry
    most: int

    def read(self, name: str, value: Any) -> Any:
        """Return the value of a field of the request."""
        match name:
            case "methods":
                return tuple(self._select("method", value))
            case "datasets" | "test_on":
                return tuple(self._select("dataset", value))
            case "settings":
                return {method: self._options(self.registry.method(method).spec, one) for method, one in value.items()}
            case "budget" | "time_limit":
                return parse_duration(value if isinstance(value, str) else spell_duration(value))
            case "memory_limit":
                return parse_memory(value)
            case "metrics":
                names = tuple(parse_names(value) if isinstance(value, str) else value)
                return tuple(self.registry.metric(one).spec.name for one in names)
            case "results":
                return Path(self._path(value))
            case "jobs":
                return parse_jobs(str(value))
            case "cluster":
                return self._path(value) if _is_file(value) else value
            case "log":
                return _with_folders(value, self._path, self.registry)
            case "device":
                check_device(value)
        return value

    def _select(self, kind: Kind, items: Items) -> Iterator[Selected]:
        for item in [items] if isinstance(items, str) else items:
            if isinstance(item, str):
                points = read_selected(self.registry, kind, item, self.most)
            else:
                points = list(self._expand(kind, item))
            spec_of = self.registry.method if kind == "method" else self.registry.dataset
            for one in points:
                yield Selected(name=one.name, options=self._options(spec_of(one.name).spec, one.options))

    def _expand(self, kind: Kind, table: Mapping[str, Any]) -> Iterator[Selected]:
        """Yield the points of the grid of a table."""
        for key in table:
            if key not in Item.model_fields:
                raise UnknownNameError.among(f"key of a {kind}", key, Item.model_fields)
        content = {key: _check(f"a {kind}", key, one, Item.model_fields[key]) for key, one in table.items()}
        if not (name := content.get("name")):
            raise UsageError(f"a {kind} has no name", f'each table of {kind}s holds name = "NAME"')
        fixed, grid = content.get("options", {}), content.get("grid", {})
        if twice := fixed.keys() & grid.keys():
            raise UsageError(f"{name} is given {min(twice)} in options and in grid", "leave one out")
        check_size(f"the grid of {name}", math.prod(map(len, grid.values())), self.most)
        for point in itertools.product(*grid.values()):
            yield Selected(name=name, options={**fixed, **dict(zip(grid, point, strict=True))})

    def _options(self, spec: Any, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return checked values of options; texts are read as on the command line, and paths are absolute."""
        texts = {name: value for name, value in values.items() if isinstance(value, str)}
        found = {**values, **parse_options(spec.name, spec.options, texts)}
        for name, value in found.items():
            if isinstance(check_option(spec.name, spec.options, name, value), Path):
                found[name] = self._path(value)
        return found

    def _path(self, text: str) -> str:
        # Path.expanduser raises where the user is unknown
        return str(self.folder / os.path.expanduser(text))


def write_experiment(request: Request, path: Path, registry: Registry) -> None:
    """Write a request as an experiment file, without the values that are the defaults.

    Args:
        request: A request that can be planned.
        path: The file. It may exist if it holds the same text.
        registry: Registry of methods and datasets.

    Raises:
        UsageError: The file exists and holds something else.
        DataError: The file cannot be written.
    """
    path = Path(os.path.expanduser(path))
    writer = _Writer(path.parent.absolute(), registry)
    usual = {one.name: one.default for one in dataclasses.fields(request)}
    content: dict[str, Any] = {}
    for key, name in KEYS.items():
        value = getattr(request, name)
        if value != usual[name] and value not in ((), {}):
            content[key] = writer.write(name, value)
    text = f"# fwibench run --from {path.name}\n{as_toml(content)}"
    if path.exists() and (not path.is_file() or path.read_bytes() != text.encode()):
        raise UsageError(f"{path} exists, and is not this experiment", "give --save another name, or remove it")
    write_text(path, text)


@dataclass(frozen=True)
class _Writer:
    """Writes the values of a request.

    Attributes:
        folder: Folder of the file, to which paths are relative.
        registry: Registry of methods and datasets.
    """

    folder: Path
    registry: Registry

    def write(self, name: str, value: Any) -> Any:
        """Return the value of a field of the request as TOML has it."""
        match name:
            case "methods":
                return self._tables("method", value)
            case "datasets" | "test_on":
                return self._tables("dataset", value)
            case "settings":
                return {method: self._options(self.registry.method(method).spec, one) for method, one in value.items()}
            case "budget" | "time_limit":
                return spell_duration(value)
            case "memory_limit":
                return spell_memory(value)
            case "jobs":
                return "auto" if value is None else value
            case "results":
                return self._path(str(value))
            case "cluster":
                return self._path(value) if _is_file(value) else value
            case "log":
                return _with_folders(value, self._path, self.registry)
        return value

    def _tables(self, kind: Kind, chosen: Sequence[Selected]) -> str | list[dict[str, Any]]:
        """Return names, or tables if one of them has options; neighbours that form a grid share a table."""
        spec_of = self.registry.method if kind == "method" else self.registry.dataset
        tables: list[dict[str, Any]] = []
        for name, group in itertools.groupby(chosen, lambda one: one.name):
            points = [self._options(spec_of(name).spec, one.options) for one in group]
            grid = _axes(points)
            grids = [_axes([point]) for point in points] if grid is None else [grid]
            tables += [_table(name, axes or {}) for axes in grids]
        if any(len(table) > 1 for table in tables):
            return tables
        return ",".join(table["name"] for table in tables)

    def _options(self, spec: Any, options: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._value(spec, name, value) for name, value in options.items()}

    def _value(self, spec: Any, name: str, value: Any) -> Any:
        if isinstance(value, str | Path):
            if isinstance(check_option(spec.name, spec.options, name, value), Path):
                value = self._path(str(value))
            return value if parse_options(spec.name, spec.options, {name: value}) == {name: value} else spell(value)
        # TOML has no null
        return "none" if value is None else value if is_toml(value) else spell(value)

    def _path(self, text: str) -> str:
        path = Path(text).absolute()
        if text.startswith("~"):
            return text
        return str(path.relative_to(self.folder) if path.is_relative_to(self.folder) else path)


def _axes(points: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]] | None:
    """Return the values of each option whose combinations, in order, are some points; None if they are no grid."""
    axes: dict[str, list[Any]] = {}
    for point in points:
        for name, value in point.items():
            values = axes.setdefault(name, [])
            if value not in values:
                values.append(value)
    expanded = [dict(zip(axes, point, strict=True)) for point in itertools.product(*axes.values())]
    # 1 equals True, but is another value
    return axes if repr(expanded) == repr(list(points)) else None


def _table(name: str, axes: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    options = {key: values[0] for key, values in axes.items() if len(values) == 1}
    grid = {key: values for key, values in axes.items() if len(values) > 1}
    return {"name": name, **({"options": options} if options else {}), **({"grid": grid} if grid else {})}


def _with_folders(log: Mapping[str, str], change: Callable[[str], str], registry: Registry) -> dict[str, str]:
    """Return destinations of loggers, those that are folders changed."""
    folders = {name for name, where in log.items() if where and registry.logger(name).spec.takes == "folder"}
    return {name: change(where) if name in folders else where for name, where in log.items()}


def _is_file(cluster: str) -> bool:
    return cluster.endswith((".json", ".toml"))
