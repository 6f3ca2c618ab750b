"""`list`: the methods, datasets, metrics, exporters, studies, importers and loggers of all plugins."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer
from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from fwibench.cli.console.output import print_json, print_table
from fwibench.cli.options import Json
from fwibench.cli.registry import open_registry, open_studies
from fwibench.plugins.registry import Offer
from fwibench.specs.base import Declaration
from fwibench.specs.dataset import DatasetSpec
from fwibench.specs.exporter import ExporterSpec
from fwibench.specs.method import MethodSpec
from fwibench.specs.metric import MetricSpec
from fwibench.specs.study import StudySpec

What = Literal["methods", "datasets", "metrics", "exporters", "studies", "importers", "loggers"]


def list_(what: Annotated[What, typer.Argument(help="Kind of objects to list.")], json: Json = False) -> None:
    """List methods, datasets, metrics, exporters, studies, importers or loggers, each with its plugin."""
    registry = open_registry()
    if what == "studies":
        open_studies(registry)
    offers = sorted(getattr(registry, what).items())
    if json:
        print_json([offer_as_json(offer) for _, offer in offers])
        return
    rows = [[name, _kind(offer.spec), offer.spec.summary, offer.plugin.distribution] for name, offer in offers]
    print_table("", ("name", "kind", "summary", "plugin"), rows)


def _kind(spec: Declaration) -> str:
    if isinstance(spec, MethodSpec):
        return spec.kind
    if isinstance(spec, DatasetSpec):
        return spec.source
    if isinstance(spec, ExporterSpec):
        return spec.suffix
    if isinstance(spec, StudySpec):
        return spec.collection
    return spec.direction if isinstance(spec, MetricSpec) else ""


def offer_as_json(offer: Offer[Any]) -> dict[str, Any]:
    """Return the spec of an offer as plain data, with a JSON schema of each option and the plugin it comes from."""
    spec = offer.spec
    content: dict[str, Any] = spec.model_dump(mode="json", exclude={"options"})
    options: type[BaseModel] | None = getattr(spec, "options", None)
    if options is not None:
        content["options"] = _schema(options)
    return {**content, "plugin": offer.plugin.distribution, "plugin_version": offer.plugin.version}


def _schema(options: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of each option; only the descriptions if a type has no JSON schema."""
    try:
        return options.model_json_schema().get("properties", {})
    except PydanticInvalidForJsonSchema:
        return {name: {"description": field.description or ""} for name, field in options.model_fields.items()}
