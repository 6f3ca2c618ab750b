"""The registry of plugins, opened with a warning for each plugin that is broken or deprecated."""

from __future__ import annotations

from fwibench.cli.console.output import warn
from fwibench.datasets.user.description import read_descriptions
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
            warn(
                f"added datasets are left out, {path} cannot be read: {reason}; name another folder with FWIBENCH_DATA"
            )
            continue
        warn(
            f"added dataset {path.stem} is skipped, {path} cannot be read: {reason}; "
            f"remove it with fwibench data remove {path.stem}"
        )
    return registry


def warn_broken(plugin: Plugin) -> None:
    """Warn of a broken plugin in one line."""
    warn(f"plugin {plugin.name} ({plugin.origin}) is {plugin.verdict}; fwibench plugins list -v shows the traceback")
