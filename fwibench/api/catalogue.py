"""What can be run: methods, datasets and metrics of the suite and of all installed plugins."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fwibench.datasets.user.description import read_descriptions
from fwibench.plugins.plugin import Plugin
from fwibench.plugins.registry import Registry, load_registry

if TYPE_CHECKING:
    from fwibench.specs.dataset import DatasetSpec
    from fwibench.specs.method import MethodSpec
    from fwibench.specs.metric import MetricSpec


def open_registry() -> Registry:
    """Load all plugins; each broken one gives a warning and does not affect the others."""
    registry = load_registry()
    for line in registry_warnings(registry):
        warnings.warn(line, stacklevel=3)
    return registry


def registry_warnings(registry: Registry, *, broken: bool = True) -> Iterator[str]:
    """Yield a line for each plugin that is broken or deprecated, and each added dataset that cannot be read.

    Args:
        registry: All plugins.
        broken: Whether broken plugins are among them.
    """
    for plugin in registry.plugins:
        if broken and plugin.broken:
            yield broken_warning(plugin)
        if plugin.notices:
            more = f" (and {len(plugin.notices) - 1} more)" if len(plugin.notices) > 1 else ""
            yield f"plugin {plugin.name} ({plugin.origin}) is deprecated: {plugin.notices[0]}{more}"
    for path, reason in read_descriptions()[1].items():
        if path.suffix != ".json":
            yield (
                f"added datasets are left out, {path} cannot be read: {reason}; name another folder with FWIBENCH_DATA"
            )
        else:
            yield (
                f"added dataset {path.stem} is skipped, {path} cannot be read: {reason}; "
                f"remove it with fwibench data remove {path.stem}"
            )


def broken_warning(plugin: Plugin) -> str:
    """Return the warning of a broken plugin."""
    return f"plugin {plugin.name} ({plugin.origin}) is {plugin.verdict}; fwibench plugins list -v shows the traceback"


def list_methods() -> list[MethodSpec]:
    """Return the specs of all methods, by name."""
    return [offer.spec for _, offer in sorted(open_registry().methods.items())]


def list_datasets() -> list[DatasetSpec]:
    """Return the specs of all datasets, by name."""
    return [offer.spec for _, offer in sorted(open_registry().datasets.items())]


def list_metrics() -> list[MetricSpec]:
    """Return the specs of all metrics, by name."""
    return [offer.spec for _, offer in sorted(open_registry().metrics.items())]
