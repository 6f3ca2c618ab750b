"""`plugins check`: run the conformance checks of a plugin."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fwibench.cli.console.output import errors, print_json, print_table
from fwibench.cli.options import Json
from fwibench.cli.registry import open_registry
from fwibench.errors import PluginError, UnknownNameError, UsageError
from fwibench.plugins.registry import Offer, Registry
from fwibench.runs.planning.grammar import parse_selection
from fwibench.specs.dataset import DatasetSpec
from fwibench.specs.method import MethodSpec
from fwibench.specs.options import parse_options, validate_options

if TYPE_CHECKING:
    from fwibench.testing.checks import Result

HEADER = ("check", "result", "seconds", "reason")


def check(
    name: Annotated[
        str,
        typer.Argument(
            help="A method, dataset, metric or study, options in brackets; or a plugin, to check all that it offers."
        ),
    ],
    json: Json = False,
) -> None:
    """Run the conformance checks of a method, dataset, metric or study; exit code 1 if one fails."""
    registry = open_registry()
    found: list[Result] = []
    for offer, options in list(_chosen(registry, name)):
        results = _check(registry, offer, options)
        found += results
        if not json:
            _print(offer.spec.name, results)
    if json:
        print_json([{**asdict(result), "ok": result.ok} for result in found])
    if not all(result.ok for result in found):
        raise typer.Exit(1)


def _chosen(registry: Registry, text: str) -> Iterator[tuple[Offer[Any], dict[str, Any]]]:
    """Yield the offers that a text names, each with the options that are set in it."""
    plugins = {plugin.name: plugin for plugin in registry.plugins}
    every: dict[str, Offer[Any]] = {**registry.studies, **registry.metrics, **registry.datasets, **registry.methods}
    for item in parse_selection(text):
        if item.name in every:
            offer = every[item.name]
            yield offer, _options(offer.spec, item.options)
        elif item.name in plugins:
            plugin = plugins[item.name]
            if plugin.broken:
                raise PluginError(
                    f"plugin {plugin.name} is broken at {plugin.stage}: {plugin.reason}",
                    "repair the plugin first; fwibench plugins list -v shows the traceback",
                )
            offered = [offer for offer in every.values() if offer.plugin is plugin]
            if item.options or not offered:
                fault = "takes no options" if item.options else "offers no method, dataset, metric or study"
                raise UsageError(
                    f"plugin {plugin.name} {fault}", "name a method, dataset, metric or study; see fwibench list"
                )
            yield from ((offer, {}) for offer in offered)
        else:
            raise UnknownNameError.among("method, dataset, metric, study or plugin", item.name, {**every, **plugins})


def _options(spec: Any, texts: dict[str, str]) -> dict[str, Any]:
    """Return the values of options that are given as texts."""
    if not isinstance(spec, MethodSpec | DatasetSpec):
        if texts:
            raise UsageError(f"{spec.name} has no options", "leave out the brackets")
        return {}
    preset = spec.profiles.get("smoke", {}) if isinstance(spec, MethodSpec) else {}
    given = parse_options(spec.name, spec.options, texts)
    validated = validate_options(spec.name, spec.options, preset, given)
    return {name: getattr(validated, name) for name in texts}


def _check(registry: Registry, offer: Offer[Any], options: dict[str, Any]) -> list[Result]:
    """Run all checks and return their results; a terminal shows the progress."""
    from fwibench.testing.runner import examine

    found: list[Result] = []
    # keep what a method prints apart from the results
    with redirect_stdout(sys.stderr), _status(f"checking {offer.spec.name}") as status:
        for result in examine(offer.spec, registry, options=options):
            found.append(result)
            if status is not None:
                status.update(f"checking {offer.spec.name}: {len(found)} done, the last was {result.check}")
    return found


def _status(text: str) -> AbstractContextManager[Any]:
    return errors().status(text) if errors().is_terminal else nullcontext()


def _print(name: str, results: list[Result]) -> None:
    counts = Counter(result.status for result in results)
    summary = ", ".join(f"{count} {status}" for status, count in counts.items())
    rows = [[result.check, result.status, f"{result.seconds:.1f}", result.reason] for result in results]
    print_table(f"{name}: {summary}", HEADER, rows, right=("seconds",))
