"""The command that makes a run again.

Invariant: what a record says is quoted, never trusted: whatever its names hold, each stays one word of the command.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.record import Record
from fwibench.runs.planning.plan import differing_options
from fwibench.runs.planning.request import Request, Selected
from fwibench.text.quoting import select, spell


def command_of(record: Record, base: Record | None = None, registry: Registry | None = None) -> list[str]:
    """Words of the `fwibench run` that makes a record's cell again; `shlex.join` makes a line for a shell of them.

    Args:
        record: Of the run.
        base: Of the run that it builds on; see `request_of`.
        registry: See `request_of`.
    """
    return words_of(request_of(record, base, registry), [one.cell for one in (record, base) if one])


def request_of(record: Record, base: Record | None = None, registry: Registry | None = None) -> Request:
    """The request of a record's cell alone, and of that which it builds on.

    Args:
        record: Of the run.
        base: Of the run that it builds on; None where it builds on none or that record is not there, and then
            the options of that method are taken to be the profile's.
        registry: Says which options the profile sets today and which metrics must be asked for. None: the options
            are those that differed when the run was made, and no metrics are asked for.
    """
    cell = record.cell
    return Request(
        methods=(Selected(name=cell.method, options=_chosen(record, registry)),),
        datasets=(Selected(name=cell.dataset, options=cell.dataset_options),),
        split=cell.split,
        first_seed=cell.seed,
        profile=cell.profile,
        test_samples=cell.test_samples,
        settings={base.cell.method: _chosen(base, registry)} if base else {},
        metrics=_asked_metrics(record, registry) if registry else (),
    )


def words_of(request: Request, cells: Iterable[Cell], **more: str) -> list[str]:
    """The command line of a request.

    Args:
        request: One of `request_of`.
        cells: Those of the request; methods that stand in for others of their name are told.
        more: Options beyond the request, by name.
    """
    words = ["fwibench"]
    for cell in cells:
        if cell.plugin:
            words += _option("override", cell.method)
    options = {
        "methods": ",".join(select(one.name, one.options) for one in request.methods),
        "dataset": ",".join(select(one.name, one.options) for one in request.datasets),
        "split": request.split,
        "profile": request.profile,
        "first-seed": request.first_seed or None,
        "test-samples": request.test_samples,
        "metrics": ",".join(request.metrics) or None,
        **more,
    }
    words.append("run")
    for name, value in options.items():
        words += [] if value is None else _option(name, str(value))
    for method, settings in request.settings.items():
        for name, value in settings.items():
            words += _option("set", f"{method}.{name}={spell(value)}")
    return words


def _chosen(record: Record, registry: Registry | None) -> dict[str, Any]:
    """Options that the command has to name."""
    offer = registry.methods.get(record.cell.method) if registry else None
    if offer is None:
        return record.chosen
    return differing_options(offer.spec, record.cell.profile, record.cell.options)


def _asked_metrics(record: Record, registry: Registry) -> tuple[str, ...]:
    """Metrics of the record that are known here and computed for those alone who ask."""
    known = registry.metrics
    return tuple(name for name in record.scores if name in known and not known[name].spec.default)


def _option(name: str, value: str) -> list[str]:
    """An option and its value; in one word where the value could be taken for an option."""
    return [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]
