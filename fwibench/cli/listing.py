"""`list` and `info`: what there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from fwibench.cli.inspecting import print_inspection, print_published
from fwibench.cli.output import open_registry, print_json, print_table
from fwibench.cli.request import Json
from fwibench.errors import FwibenchError, UnknownNameError, UsageError
from fwibench.plugins.guard import describe, stdout_to_stderr
from fwibench.plugins.registry import Offer, Registry
from fwibench.runs.planning.grammar import parse_one
from fwibench.specs.base import Spec
from fwibench.specs.dataset import PROFILES, DatasetSpec, Profile
from fwibench.specs.exporter import ExporterSpec
from fwibench.specs.method import MethodSpec
from fwibench.specs.metric import MetricSpec
from fwibench.specs.options import validate_options

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset

What = Literal["methods", "datasets", "metrics", "exporters"]


def list_(what: Annotated[What, typer.Argument(help="What to list.")], json: Json = False) -> None:
    """List methods, datasets, metrics or exporters with the plugin each comes from."""
    offers = sorted(getattr(open_registry(), what).items())
    if json:
        print_json([_as_json(offer) for _, offer in offers])
        return
    rows = [[name, _kind(offer.spec), offer.spec.summary, offer.plugin.distribution] for name, offer in offers]
    print_table("", ("name", "kind", "summary", "plugin"), rows)


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
        from fwibench.runs.planning.costs import inspect_method

        found = inspect_method(registry, name, dataset, profile)
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
        print_json({**_as_json(offer), **({"chosen": chosen.options} if chosen.options else {})})
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
        return validate_options(spec.name, spec.options, preset, texts) if texts else None
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


def _kind(spec: Spec) -> str:
    if isinstance(spec, MethodSpec):
        return spec.kind
    if isinstance(spec, DatasetSpec):
        return spec.source
    if isinstance(spec, ExporterSpec):
        return spec.suffix
    return f"{spec.better} is better" if isinstance(spec, MetricSpec) else ""


def _as_json(offer: Offer[Any]) -> dict[str, Any]:
    spec = offer.spec
    content: dict[str, Any] = spec.model_dump(mode="json", exclude={"options"})
    options: type[BaseModel] | None = getattr(spec, "options", None)
    if options is not None:
        content["options"] = _schema(options)
    return {**content, "plugin": offer.plugin.distribution, "plugin_version": offer.plugin.version}


def _schema(options: type[BaseModel]) -> dict[str, Any]:
    """JSON schema of each option; a type that has none leaves the option's description alone."""
    try:
        return options.model_json_schema().get("properties", {})
    except PydanticInvalidForJsonSchema:
        return {name: {"description": field.description or ""} for name, field in options.model_fields.items()}


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    return "" if value is None else str(value)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("list")(list_)
    app.command()(info)
