"""`info`: one method, dataset, metric or exporter in full."""

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
    name: Annotated[str, typer.Argument(help="A method or dataset, with options in brackets, or a metric.")],
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Build the method for this dataset: layers and costs.")
    ] = None,
    profile: Annotated[Profile, typer.Option(help="With --dataset: whose options the method gets.")] = "quick",
    json: Json = False,
) -> None:
    """Show all that is known of a method, dataset, metric or exporter; with --dataset, what a method costs on it."""
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
        presets = spec.profiles if isinstance(spec, MethodSpec) else {}
        values = {key: getattr(options, key) for key in chosen.options}
        here = ("here",) if values else ()
        header = ("option", "default", *(p for p in PROFILES if presets.get(p)), *here, "what it is")
        rows = [_option(spec, presets, key, header, values) for key in spec.options.model_fields]
        print_table("options", header, rows)
    if isinstance(spec, MethodSpec) and spec.published:
        print_published(spec.published)


def _find(registry: Registry, name: str) -> Offer[Any]:
    every: dict[str, Offer[Any]] = {**registry.exporters, **registry.metrics, **registry.datasets, **registry.methods}
    if name not in every:
        raise UnknownNameError.among("method, dataset, metric or exporter", name, every, registry.absent())
    return every[name]


def _option(
    spec: MethodSpec | DatasetSpec,
    presets: Mapping[Profile, dict[str, Any]],
    name: str,
    header: tuple[str, ...],
    values: Mapping[str, Any],
) -> list[str]:
    field = spec.options.model_fields[name]
    by_profile = [_text(presets.get(p, {}).get(name, "")) for p in PROFILES if p in header]
    here = [_text(values.get(name, ""))] if values else []
    return [name, _text(field.default), *by_profile, *here, field.description or ""]


def _validate(spec: Spec, texts: Mapping[str, str], profile: Profile) -> Any:
    """Options that are given as texts, validated; None for what has none."""
    if isinstance(spec, MethodSpec | DatasetSpec):
        preset = spec.profiles.get(profile, {}) if isinstance(spec, MethodSpec) else {}
        given = parse_options(spec.name, spec.options, texts)
        return validate_options(spec.name, spec.options, preset, given) if texts else None
    if texts:
        raise UsageError(f"{spec.name} has no options", "leave the brackets out")
    return None


def _open(spec: DatasetSpec, options: Any) -> list[Dataset] | str:
    """The dataset in each profile; or why it cannot be opened. Its module is imported."""
    try:
        with stdout_to_stderr():
            opened = [spec.load()(spec, options or spec.options(), profile) for profile in PROFILES]
            # what a dataset of files says of itself depends on them
            _ = [(dataset.summary, dataset.caveats, dataset.licence) for dataset in opened]
            return opened
    except (Exception, SystemExit) as error:
        if options is not None and isinstance(error, FwibenchError):
            raise
        return describe(error)


def _dataset_facts(opened: list[Dataset]) -> list[list[str]]:
    """Shapes, geometry and sizes of a dataset in all profiles; no samples are read."""
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
