"""The command line that reproduces a run.

Invariant: texts of a record are untrusted and quoted, so each remains one word of the command.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.record import Record
from fwibench.runs.planning.plan import differing_options
from fwibench.runs.planning.request import Request, Selected
from fwibench.text.amounts import spell_duration
from fwibench.text.quoting import select, spell


def command_of(record: Record, base: Record | None = None, registry: Registry | None = None) -> list[str]:
    """Return the words of the `fwibench run` command that reproduces a run; `shlex.join` joins them for a shell.

    Args:
        record: Record of the run.
        base: Record of the run that it builds on; see `request_of`.
        registry: See `request_of`.

    Returns:
        The words of the command.
    """
    return words_of(request_of(record, base, registry), [one.cell for one in (record, base) if one])


def request_of(record: Record, base: Record | None = None, registry: Registry | None = None) -> Request:
    """Return the request of a record's cell and of the cells that it needs.

    Args:
        record: Record of the run.
        base: Record of the run that it builds on; None if it builds on none, or if that record is missing: the options
            of that method are then those of the profile.
        registry: Registry with the current options of the profile and the default metrics. None: the request has the
            options that differed from the profile when the run was made, and only the default metrics.

    Returns:
        The request.
    """
    cell = record.cell
    return Request(
        methods=(Selected(name=cell.method, options=_differing_options(record, registry)),),
        datasets=(Selected(name=cell.dataset, options=cell.dataset_options),),
        test_on=(Selected(name=other.dataset, options=other.dataset_options),) if (other := cell.tested_on) else (),
        split=cell.split,
        first_seed=cell.seed,
        profile=cell.profile,
        test_samples=cell.test_samples,
        budget=cell.budget,
        settings={base.cell.method: _differing_options(base, registry)} if base else {},
        metrics=_additional_metrics(record, registry) if registry else (),
    )


def words_of(request: Request, cells: Iterable[Cell], **more: str) -> list[str]:
    """Return the words of the command line of a request.

    Args:
        request: Request made by `request_of`.
        cells: Cells of the request; `--override` is added for methods that replace another plugin's method.
        more: Further options of the command, by name.

    Returns:
        The words of the command.
    """
    words = ["fwibench"]
    for cell in cells:
        if cell.plugin:
            words += _option("override", cell.method)
    options = {
        "methods": ",".join(select(one.name, one.options) for one in request.methods),
        "dataset": ",".join(select(one.name, one.options) for one in request.datasets),
        "test-on": ",".join(select(one.name, one.options) for one in request.test_on) or None,
        "split": request.split,
        "profile": request.profile,
        "first-seed": request.first_seed or None,
        "test-samples": request.test_samples,
        "budget": None if request.budget is None else spell_duration(request.budget),
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


def _differing_options(record: Record, registry: Registry | None) -> dict[str, Any]:
    """Return the options that differ from the profile, which the command has to name."""
    offer = registry.methods.get(record.cell.method) if registry else None
    if offer is None:
        return record.chosen
    return differing_options(offer.spec, record.cell.profile, record.cell.options)


def _additional_metrics(record: Record, registry: Registry) -> tuple[str, ...]:
    """Return the metrics of the record that are installed and not computed by default."""
    known = registry.metrics
    return tuple(name for name in record.scores if name in known and not known[name].spec.default)


def _option(name: str, value: str) -> list[str]:
    """Return an option and its value; as one word if the value begins like an option."""
    return [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]
