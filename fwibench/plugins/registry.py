"""What all plugins together offer, by name.

Invariant: a name means one thing. The plugin that was found first keeps it; the second is broken, and
the reason names both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from fwibench.datasets.spec import DatasetSpec
from fwibench.errors import PluginError, UnknownNameError
from fwibench.methods.spec import MethodSpec
from fwibench.metrics.spec import MetricSpec
from fwibench.plugins.loading import Plugin, discover
from fwibench.specs import API_VERSION, Spec

S = TypeVar("S", bound=Spec)


@dataclass(frozen=True)
class Offer(Generic[S]):
    """A spec and the plugin it came from."""

    spec: S
    plugin: Plugin


@dataclass
class Registry:
    """All plugins, and their specs by name."""

    plugins: list[Plugin] = field(default_factory=list)
    methods: dict[str, Offer[MethodSpec]] = field(default_factory=dict)
    datasets: dict[str, Offer[DatasetSpec]] = field(default_factory=dict)
    metrics: dict[str, Offer[MetricSpec]] = field(default_factory=dict)

    @property
    def broken(self) -> list[Plugin]:
        """Plugins with a fault."""
        return [plugin for plugin in self.plugins if plugin.broken]

    def method(self, name: str) -> Offer[MethodSpec]:
        """The method of that name; raises `UnknownNameError` with the closest ones."""
        return self._find("method", self.methods, name)

    def dataset(self, name: str) -> Offer[DatasetSpec]:
        """The dataset of that name; raises `UnknownNameError` with the closest ones."""
        return self._find("dataset", self.datasets, name)

    def metric(self, name: str) -> Offer[MetricSpec]:
        """The metric of that name; raises `UnknownNameError` with the closest ones."""
        return self._find("metric", self.metrics, name)

    def _find(self, kind: str, known: Mapping[str, Offer[S]], name: str) -> Offer[S]:
        if name not in known:
            broken = ", ".join(plugin.name for plugin in self.broken)
            note = f"(broken plugins may have offered it: {broken}; see fwibench doctor)" if broken else ""
            raise UnknownNameError.among(kind, name, known, note)
        return known[name]

    def tell_finished(self, record: Mapping[str, Any]) -> None:
        """Calls every plugin's `fwibench_cell_finished`."""
        for plugin in self.plugins:
            plugin.call("fwibench_cell_finished", record=record)


def load_registry() -> Registry:
    """Discovers all plugins and asks each for its specs."""
    registry = Registry(plugins=discover())
    kinds: tuple[tuple[str, type[Spec], dict[str, Any]], ...] = (
        ("fwibench_methods", MethodSpec, registry.methods),
        ("fwibench_datasets", DatasetSpec, registry.datasets),
        ("fwibench_metrics", MetricSpec, registry.metrics),
    )
    for plugin in registry.plugins:
        for hook, kind, known in kinds:
            for specs in plugin.call(hook):
                for spec in plugin.guarded(hook, partial(list, specs)) or []:
                    plugin.guarded(hook, partial(_add, plugin, hook, kind, known, spec))
    return registry


def _add(plugin: Plugin, hook: str, kind: type[Spec], known: dict[str, Any], spec: Any) -> None:
    if not isinstance(spec, kind):
        raise PluginError(f"{hook} returned {type(spec).__name__}, expected {kind.__name__}")
    if spec.api != API_VERSION:
        raise PluginError(f"'{spec.name}' is written for plugin API {spec.api}, this fwibench has {API_VERSION}")
    if spec.name in known:
        owner = known[spec.name].plugin
        raise PluginError(
            f"'{spec.name}' is offered by {plugin.distribution} ({plugin.name}), "
            f"but {owner.distribution} ({owner.name}) has that name already"
        )
    known[spec.name] = Offer(spec, plugin)
