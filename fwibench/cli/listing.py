"""`list` and `info`: what there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer
from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from fwibench.cli.inspecting import print_inspection, print_published
from fwibench.cli.output import open_registry, print_json, print_table
from fwibench.cli.request import Json
from fwibench.datasets.spec import PROFILES, DatasetSpec, Profile
from fwibench.errors import UnknownNameError
from fwibench.methods.spec import MethodSpec
from fwibench.metrics.spec import MetricSpec
from fwibench.plugins.exporter import ExporterSpec
from fwibench.plugins.guard import describe, stdout_to_stderr
from fwibench.plugins.registry import Offer, Registry
from fwibench.specs import Spec

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
    name: Annotated[str, typer.Argument(help="A method, dataset or metric.")],
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Build the method for this dataset: layers and costs.")
    ] = None,
    profile: Annotated[Profile, typer.Option(help="With --dataset: whose options the method gets.")] = "quick",
    json: Json = False,
) -> None:
    """Show all that is known of a method, dataset, metric or exporter; with --dataset, what a method costs on it."""
    registry = open_registry()
    if dataset is not None:
        from fwibench.runs.inspection import inspect_method

        found = inspect_method(registry, name, dataset, profile)
        if json:
            print_json(found.model_dump(mode="json"))
        else:
            print_inspection(found)
        return
    offer = _find(registry, name)
    spec = offer.spec
    if json:
        print_json(_as_json(offer))
        return
    facts = spec.model_dump(mode="json", exclude={"options", "profiles", "api", "published", "published_maps"})
    facts["plugin"] = f"{offer.plugin.distribution} {offer.plugin.version}".strip()
    rows = [[key.replace("_", " "), _text(value)] for key, value in facts.items() if value not in ("", None, [], {})]
    if isinstance(spec, DatasetSpec):
        rows += _dataset_facts(spec)
    print_table("", ("", ""), rows)
    if isinstance(spec, MethodSpec | DatasetSpec) and spec.options.model_fields:
        presets = spec.profiles if isinstance(spec, MethodSpec) else {}
        header = ("option", "default", *(p for p in PROFILES if presets.get(p)), "what it is")
        print_table("options", header, [_option(spec, presets, key, header) for key in spec.options.model_fields])
    if isinstance(spec, MethodSpec) and spec.published:
        print_published(spec.published)


def _find(registry: Registry, name: str) -> Offer[Any]:
    every: dict[str, Offer[Any]] = {**registry.exporters, **registry.metrics, **registry.datasets, **registry.methods}
    if name not in every:
        raise UnknownNameError.among("method, dataset, metric or exporter", name, every, registry.absent())
    return every[name]


def _option(
    spec: MethodSpec | DatasetSpec, presets: Mapping[Profile, dict[str, Any]], name: str, header: tuple[str, ...]
) -> list[str]:
    field = spec.options.model_fields[name]
    by_profile = [_text(presets.get(p, {}).get(name, "")) for p in PROFILES if p in header]
    return [name, _text(field.default), *by_profile, field.description or ""]


def _dataset_facts(spec: DatasetSpec) -> list[list[str]]:
    """Shapes, geometry and sizes; the dataset's module is imported, no data are read."""
    from fwibench.datasets.facts import describe_problem, describe_splits

    try:
        with stdout_to_stderr():
            opened = [spec.load()(spec, spec.options(), profile) for profile in PROFILES]
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
