"""The registry of plugins, opened with a warning for each plugin that is broken or deprecated."""

from __future__ import annotations

from fwibench.api.catalogue import broken_warning, registry_warnings
from fwibench.cli.console.output import warn
from fwibench.plugins.isolation import keep_stdout_to_the_end
from fwibench.plugins.plugin import Plugin
from fwibench.plugins.registry import Registry, load_registry


def open_registry(*, check: bool = True) -> Registry:
    """Load all plugins and warn of those that are broken or use a deprecated API, one line each.

    Args:
        check: Whether the global options about plugins must be satisfiable.

    Raises:
        UsageError: A plugin named by an option does not exist, or one is broken and `--strict-plugins` is given.
    """
    registry = load_registry()
    keep_stdout_to_the_end()
    strict = check and registry.settings.strict
    for line in registry_warnings(registry, broken=not strict):
        warn(line)
    if check:
        registry.check()
    return registry


def open_studies(registry: Registry) -> None:
    """Ask the plugins for their studies, and warn of those that break at that."""
    before = registry.broken
    _ = registry.studies
    for plugin in registry.broken:
        if plugin not in before:
            warn_broken(plugin)


def warn_broken(plugin: Plugin) -> None:
    """Warn of a broken plugin in one line."""
    warn(broken_warning(plugin))
