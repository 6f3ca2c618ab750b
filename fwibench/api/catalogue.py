"""What can be run: methods, datasets and metrics of the suite and of all installed plugins."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from fwibench.plugins.registry import Registry, load_registry

if TYPE_CHECKING:
    from fwibench.specs.dataset import DatasetSpec
    from fwibench.specs.method import MethodSpec
    from fwibench.specs.metric import MetricSpec


def open_registry() -> Registry:
    """Load all plugins; each broken one gives a warning and does not affect the others."""
    registry = load_registry()
    for plugin in registry.broken:
        warnings.warn(f"plugin {plugin.name} ({plugin.origin}) is {plugin.verdict}", stacklevel=3)
    return registry


def list_methods() -> list[MethodSpec]:
    """Return the specs of all methods, by name."""
    return [offer.spec for _, offer in sorted(open_registry().methods.items())]


def list_datasets() -> list[DatasetSpec]:
    """Return the specs of all datasets, by name."""
    return [offer.spec for _, offer in sorted(open_registry().datasets.items())]


def list_metrics() -> list[MetricSpec]:
    """Return the specs of all metrics, by name."""
    return [offer.spec for _, offer in sorted(open_registry().metrics.items())]
