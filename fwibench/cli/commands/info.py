"""`info`: the details of a method, dataset, metric or exporter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fwibench.cli.commands.list import offer_as_json
from fwibench.cli.console.costs import print_inspection, print_published
from fwibench.cli.console.output import print_json, print_table
from fwibench.cli.options import Json
from fwibench.cli.registry import open_registry
from fwibench.errors import FwibenchError, UnknownNameError, UsageError
from fwibench.plugins.isolation import describe, stdout_to_stderr
from fwibench.plugins.registry import Offer, Registry
from fwibench.runs.planning.grammar import parse_one, read_one
from fwibench.specs.base import Spec
from fwibench.specs.dataset import PROFILES, DatasetSpec, Profile
from fwibench.specs.method import MethodSpec
from fwibench.specs.options import parse_options, validate_options

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset


def info(
    name: Annotated[
        str, typer.Argument(help="Name of a method or dataset, with options in brackets, or of a metric or exporter.")
    ],
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Show the layers and costs of the method on this dataset.")
    ] = None,
    profile: Annotated[
        Profile, typer.Option(help="With --dataset: profile that sets the options of the method.")
    ] = "quick",
    json: Json = False,
) -> None:
    """Show a method, dataset, metric or exporter; with --dataset, the layers and costs of a method on that dataset."""
    registry = open_registry()
    if dataset is not None:
        from fwibench.runs.planning.inspection import inspect_method

        method, place = read_one(registry, "method", name), read_one(registry, "dataset", dataset)
        found = inspect_method(registry, method, place, profile)
        if json:
            print_json(found.model_dump(mode="json"))
        else:
            print_inspection(found)
        return
    chosen = parse_one("method, dataset or metric", name)
    offer = _find(registry, chosen.name)
    spec = offer.spec
    options = _validate(spec, chosen.options, profile)
    if json:
        print_json({**offer_as_json(offer), **({"chosen": chosen.options} if chosen.options else {})})
        return
    opened = _open(spec, options) if isinstance(spec, DatasetSpec) else None
    facts = spec.model_dump(mode="json", exclude={"options", "profiles", "api", "published", "published_maps"})
    facts["plugin"] = f"{offer.plugin.distribution} {offer.plugin.version}".strip()
    if isinstance(opened, list):
        facts |= {name: getattr(opened[0], name) for name in ("summary", "source", "licence", "caveats")}
    rows = [
        [key.replace("_", " "), _text(value)] for key, value in facts.items() if value not in ("", None, [], (), {})
    ]
    if opened is not None:
        rows += _dataset_facts(opened) if isinstance(opened, list) else [["cannot be opened", opened]]
    print_table("", ("", ""), rows)
    if isinstance(spec, MethodSpec | DatasetSpec) and spec.options.model_fields:
        _print_options(spec, {key: getattr(options, key) for key in chosen.options})
    if isinstance(spec, MethodSpec) and spec.published:
        print_published(spec.published)


def _find(registry: Registry, name: str) -> Offer[Any]:
    every: dict[str, Offer[Any]] = {**registry.exporters, **registry.metrics, **registry.datasets, **registry.methods}
    if name not in every:
        raise UnknownNameError.among("method, dataset, metric or exporter", name, every, registry.absent())
    return every[name]


def _print_options(spec: MethodSpec | DatasetSpec, values: Mapping[str, Any]) -> None:
    """Print the options with their defaults, the values of each profile and those that are given in brackets."""
    presets = (
        [(name, spec.profiles[name]) for name in PROFILES if spec.profiles.get(name)]
        if isinstance(spec, MethodSpec)
        else []
    )
    given = [("given", values)] if values else []
    columns: list[tuple[str, Mapping[str, Any]]] = [*presets, *given]
    rows = [
        [name, _text(field.default), *(_text(column.get(name, "")) for _, column in columns), field.description or ""]
        for name, field in spec.options.model_fields.items()
    ]
    print_table("options", ("option", "default", *(name for name, _ in columns), "meaning"), rows)


def _validate(spec: Spec, texts: Mapping[str, str], profile: Profile) -> Any:
    """Return the validated options of a method or dataset; None if no options are given."""
    if isinstance(spec, MethodSpec | DatasetSpec):
        preset = spec.profiles.get(profile, {}) if isinstance(spec, MethodSpec) else {}
        given = parse_options(spec.name, spec.options, texts)
        return validate_options(spec.name, spec.options, preset, given) if texts else None
    if texts:
        raise UsageError(f"{spec.name} has no options", "leave out the brackets")
    return None


def _open(spec: DatasetSpec, options: Any) -> list[Dataset] | str:
    """Open a dataset in each profile, which imports its module; return the reason if that fails."""
    try:
        with stdout_to_stderr():
            opened = [spec.load()(spec, options or spec.options(), profile) for profile in PROFILES]
            # a dataset of files reads them to describe itself, which may fail
            _ = [(dataset.summary, dataset.caveats, dataset.licence) for dataset in opened]
            return opened
    except (Exception, SystemExit) as error:
        if options is not None and isinstance(error, FwibenchError):
            raise
        return describe(error)


def _dataset_facts(opened: list[Dataset]) -> list[list[str]]:
    """Return rows with shapes, geometry and sizes of a dataset in all profiles, without reading samples."""
    from fwibench.datasets.details import describe_problem, describe_splits

    try:
        with stdout_to_stderr():
            rows = [list(fact) for fact in describe_problem(opened[0].problem)]
            for dataset in opened:
                splits = "; ".join(f"{name.removeprefix('split ')}: {text}" for name, text in describe_splits(dataset))
                made = "prepared" if dataset.prepared() else "not prepared"
                rows.append([f"profile {dataset.profile}", f"{dataset.size} samples, {made}; {splits}"])
            return [*rows, ["folder", str(opened[0].folder)]]
    except (Exception, SystemExit) as error:
        return [["cannot be opened", describe(error)]]


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    return "" if value is None else str(value)
