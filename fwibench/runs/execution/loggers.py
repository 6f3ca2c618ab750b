"""The loggers that a request switches on.

Invariant: a logger that raises or is slow changes no result. It is told of cells in this process, in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec

import pluggy

from fwibench.errors import PluginError, UsageError
from fwibench.plugins import hookspecs
from fwibench.plugins.isolation import blaming, undisturbed
from fwibench.plugins.plugin import Plugin
from fwibench.plugins.registry import Offer, Registry
from fwibench.specs.logger import LoggerSpec


@contextmanager
def open_loggers(asked: Mapping[str, str], registry: Registry) -> Iterator[None]:
    """Let the registry tell the loggers of a request of cells until the block ends.

    Args:
        asked: Destinations by name of the logger.
        registry: Registry of loggers. Their faults stay among those of its plugins.

    Raises:
        UnknownNameError: There is no logger of a name.
        UsageError: A module that a logger needs is not installed, or a destination is invalid.
        PluginError: A logger cannot be opened.
    """
    opened: list[Plugin] = []
    try:
        for name, destination in asked.items():
            opened.append(_open(registry.logger(name), destination))
        registry.plugins += opened
        yield
    finally:
        for plugin in opened:
            _close(plugin)


def _open(offer: Offer[LoggerSpec], destination: str) -> Plugin:
    spec = offer.spec
    if absent := [module for module in spec.needs if find_spec(module) is None]:
        raise UsageError(f"the logger {spec.name} needs {', '.join(absent)}, which is not installed", spec.summary)

    def blame(reason: str) -> PluginError:
        return PluginError(f"the logger {spec.name} cannot log to '{destination}': {reason}", "correct --log")

    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    with undisturbed(), blaming(blame):
        manager.register(spec.load()(destination), spec.name)
        manager.check_pending()
    return Plugin(f"logger {spec.name}", offer.plugin.distribution, offer.plugin.version, manager=manager)


def _close(plugin: Plugin) -> None:
    """Close a logger, and tell it nothing any more."""
    if plugin.manager is None:
        return
    for logger in plugin.manager.get_plugins():
        if close := getattr(logger, "close", None):
            with undisturbed():
                plugin.guarded("close", partial(close))
    plugin.manager = None
