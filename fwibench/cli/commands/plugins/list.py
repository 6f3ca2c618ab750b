"""`plugins list`: what plugins offer and why some of them are broken."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fwibench.cli.console.output import print_json, print_line, print_table
from fwibench.cli.options import Json
from fwibench.cli.registry import open_registry
from fwibench.plugins.plugin import Plugin
from fwibench.plugins.registry import Registry


def list_(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also show names, loading times and tracebacks.")
    ] = False,
    json: Json = False,
) -> None:
    """List plugins with their distribution, what they offer, their status and the reason if they are broken."""
    registry = open_registry(check=False)
    if json:
        print_json([_as_json(plugin, registry) for plugin in registry.plugins])
    else:
        header = ("name", "distribution", "version", "offers", "status", "stage", "reason")
        print_table("", header, [_cells(plugin, registry) for plugin in registry.plugins])
        if verbose:
            for plugin in registry.plugins:
                _print_details(plugin, registry)
    registry.check()


def _cells(plugin: Plugin, registry: Registry) -> list[str]:
    counts = {kind: len(names) for kind, names in registry.offers(plugin).items()}
    offers = ", ".join(f"{n} {kind if n > 1 else kind[:-1]}" for kind, n in counts.items() if n)
    more = f" (and {len(plugin.faults) - 1} more)" if len(plugin.faults) > 1 else ""
    reason = plugin.reason + more if plugin.reason else "; ".join(plugin.notices)
    return [plugin.name, plugin.distribution, plugin.version, offers, plugin.status, plugin.stage, reason]


def _print_details(plugin: Plugin, registry: Registry) -> None:
    """Print the loading time, names and notices of a plugin, and its faults with their tracebacks."""
    print_line(f"\n{plugin.name} ({plugin.origin}): {plugin.status}, {1e3 * plugin.seconds:.0f} ms")
    for kind, names in registry.offers(plugin).items():
        if names:
            print_line(f"  {kind}: {', '.join(names)}")
    for name, replaced in _replaced(plugin, registry).items():
        print_line(f"  {name} replaces the one of {replaced} (--override)")
    for notice in plugin.notices:
        print_line(f"  deprecated: {notice}")
    for fault in plugin.faults:
        print_line(f"  {fault.stage}: {fault.reason}")
        print_line("\n".join(f"    {line}" for line in fault.traceback.rstrip().splitlines()))


def _replaced(plugin: Plugin, registry: Registry) -> dict[str, str]:
    """Return the names that the plugin takes over, each with the distribution that offered it before."""
    return {
        name: offer.replaces.distribution
        for known in (registry.methods, registry.datasets)
        for name, offer in known.items()
        if offer.plugin is plugin and offer.replaces is not None
    }


def _as_json(plugin: Plugin, registry: Registry) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        **registry.offers(plugin),
        "replaces": _replaced(plugin, registry),
        "status": plugin.status,
        "stage": plugin.stage,
        "reason": plugin.reason,
        "faults": [fault._asdict() for fault in plugin.faults],
        "deprecated": plugin.notices,
        "seconds": plugin.seconds,
    }
