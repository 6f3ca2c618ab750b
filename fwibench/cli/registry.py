"""The registry of plugins as commands open it: what is wrong with a plugin is one line on standard error."""

from __future__ import annotations

from fwibench.cli.console.output import warn
from fwibench.datasets.user.description import read_descriptions
from fwibench.plugins.isolation import keep_stdout_to_the_end
from fwibench.plugins.plugin import Plugin
from fwibench.plugins.registry import Registry, load_registry


def open_registry(*, check: bool = True) -> Registry:
    """Loads all plugins; a broken one is said in one line, so is one that uses a deprecated API.

    Args:
        check: Whether the user's wishes about plugins must be met.

    Raises:
        UsageError: They are not, or the plugins asked for are not there.
    """
    registry = load_registry()
    keep_stdout_to_the_end()
    strict = check and registry.settings.strict
    for plugin in registry.plugins:
        if plugin.broken and not strict:
            warn_broken(plugin)
        if plugin.notices:
            more = f" (and {len(plugin.notices) - 1} more)" if len(plugin.notices) > 1 else ""
            warn(f"plugin {plugin.name} ({plugin.origin}) is deprecated: {plugin.notices[0]}{more}")
    if check:
        registry.check()
    for path, reason in read_descriptions()[1].items():
        if path.suffix != ".json":
            warn(f"added datasets are not known, {path} cannot be read: {reason}; FWIBENCH_DATA names another folder")
            continue
        warn(f"added dataset {path.stem} is skipped, {path} cannot be read: {reason}; fwibench data remove {path.stem}")
    return registry


def warn_broken(plugin: Plugin) -> None:
    """One line on a broken plugin."""
    warn(f"plugin {plugin.name} ({plugin.origin}) is {plugin.verdict}; fwibench plugins list -v tells more")
