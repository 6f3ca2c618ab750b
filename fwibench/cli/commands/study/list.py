"""`study list`: the studies of all plugins."""

from __future__ import annotations

from fwibench.cli.console.output import print_json, print_table
from fwibench.cli.options import Json
from fwibench.cli.registry import open_registry, open_studies
from fwibench.studies.planning import datasets_of


def list_(json: Json = False) -> None:
    """List the studies: sweeps that make a table or figure, each with its source and datasets."""
    registry = open_registry()
    open_studies(registry)
    found = [
        {
            "name": name,
            "title": offer.spec.title,
            "source": offer.spec.reference,
            "collection": offer.spec.collection,
            "datasets": list(dict.fromkeys(one for case in offer.spec.cases for one in datasets_of(case))),
            "cases": len(offer.spec.cases),
            "claims": len(offer.spec.claims),
            "plugin": offer.plugin.distribution,
        }
        for name, offer in registry.studies.items()
    ]
    if json:
        print_json(found)
        return
    header = ("name", "title", "source", "datasets", "cases", "claims", "plugin")
    rows = [
        [", ".join(value) if isinstance(value := one[key], list) else str(value) for key in header] for one in found
    ]
    print_table("", header, rows, right=("cases", "claims"), optional=("plugin", "claims", "datasets", "source"))
