"""What all plugins together offer, by name.

Invariant: a name means one thing. The plugin that was found first keeps it, unless the user overrides
that; the second is broken, and the reason names both.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from fwibench.errors import PluginError, UnknownNameError, UsageError
from fwibench.plugins.isolation import describe, undisturbed
from fwibench.plugins.loading import find_plugins, load
from fwibench.plugins.plugin import OWN, Plugin
from fwibench.plugins.settings import Settings, read_settings
from fwibench.specs.base import Spec, api_fault, api_notice
from fwibench.specs.dataset import DatasetSpec
from fwibench.specs.exporter import ExporterSpec
from fwibench.specs.method import MethodSpec
from fwibench.specs.metric import MetricSpec

S = TypeVar("S", bound=Spec)


@dataclass(frozen=True)
class Offer(Generic[S]):
    """A spec and the plugin it came from.

    Attributes:
        replaces: Plugin whose offer of that name the user overrode with this one.
    """

    spec: S
    plugin: Plugin
    replaces: Plugin | None = None


@dataclass
class Registry:
    """All plugins, and their specs by name."""

    plugins: list[Plugin] = field(default_factory=list)
    methods: dict[str, Offer[MethodSpec]] = field(default_factory=dict)
    datasets: dict[str, Offer[DatasetSpec]] = field(default_factory=dict)
    metrics: dict[str, Offer[MetricSpec]] = field(default_factory=dict)
    exporters: dict[str, Offer[ExporterSpec]] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)

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
            raise UnknownNameError.among(kind, name, known, self.absent())
        return known[name]

    def absent(self) -> str:
        """Which plugins may have offered what is not there; empty if all are well."""
        notes = [
            f"{status} plugins may have offered it: {', '.join(names)}"
            for status in ("broken", "disabled")
            if (names := [plugin.name for plugin in self.plugins if plugin.status == status])
        ]
        return f"({'; '.join(notes)}; see fwibench plugins list)" if notes else ""

    def offers(self, plugin: Plugin) -> dict[str, list[str]]:
        """Names that a plugin offers: `methods`, `datasets`, `metrics`, `exporters`."""
        kinds: dict[str, Mapping[str, Offer[Any]]] = {
            "methods": self.methods,
            "datasets": self.datasets,
            "metrics": self.metrics,
            "exporters": self.exporters,
        }
        return {
            kind: [name for name, offer in known.items() if offer.plugin is plugin] for kind, known in kinds.items()
        }

    def check(self) -> None:
        """Raises `UsageError` where the user's wishes about plugins are not met: `--strict-plugins`, `--override`."""
        if self.settings.strict and self.broken:
            broken = "; ".join(f"{plugin.name} ({plugin.origin}) is {plugin.verdict}" for plugin in self.broken)
            raise UsageError(
                f"plugin {broken}", "fwibench plugins list -v tells more; without --strict-plugins the others work"
            )
        known: dict[str, Offer[Any]] = {**self.methods, **self.datasets}
        for name in self.settings.overrides:
            if name not in known:
                raise UnknownNameError.among("method or dataset to override", name, known, self.absent())
            if known[name].replaces is None:
                owner = known[name].plugin
                raise UsageError(
                    f"--override {name} changes nothing: {owner.distribution} ({owner.name}) alone offers it",
                    self.absent() or "leave it out, or install the plugin that is to replace it",
                )

    def tell_finished(self, record: Mapping[str, Any]) -> None:
        """Calls every plugin's `fwibench_cell_finished`, each with a record of its own."""
        hook = "fwibench_cell_finished"
        for plugin in self.plugins:
            if plugin.implements(hook):
                with undisturbed():
                    plugin.guarded(hook, partial(plugin.call, hook, record=copy.deepcopy(dict(record))))


def load_registry(only: Collection[tuple[str, str]] | None = None) -> Registry:
    """Finds the plugins that the environment asks for, and asks each for its specs.

    Args:
        only: Distribution and name of the plugins to load beside the built-in ones, which are always loaded. None: all.

    Raises:
        UsageError: A folder of plugins is not there, or a plugin to disable is not.
    """
    settings = read_settings()
    plugins = find_plugins(settings)
    if only is not None:
        plugins = [one for one in plugins if one.distribution == OWN or (one.distribution, one.name) in only]
    registry = Registry(plugins=plugins, settings=settings)
    for plugin in registry.plugins:
        start = time.perf_counter()
        with undisturbed():
            load(plugin)
            for hook, kind, known in (
                ("fwibench_methods", MethodSpec, registry.methods),
                ("fwibench_datasets", DatasetSpec, registry.datasets),
                ("fwibench_metrics", MetricSpec, registry.metrics),
                ("fwibench_exporters", ExporterSpec, registry.exporters),
            ):
                if plugin.implements(hook):
                    plugin.guarded(hook, partial(_ask, registry, plugin, hook, kind, known))
        plugin.seconds = time.perf_counter() - start
    return registry


def _ask(registry: Registry, plugin: Plugin, hook: str, kind: type[Spec], known: dict[str, Any]) -> None:
    """Takes in the specs that a hook returns, one by one, so that a bad one costs itself alone."""
    answer = plugin.call(hook)
    if answer is None or isinstance(answer, Spec):
        got = "nothing" if answer is None else f"one {type(answer).__name__}"
        raise PluginError(f"{hook} returned {got}, expected a list of {kind.__name__}")
    for spec in answer:
        checked: Spec | None = plugin.guarded(hook, partial(admit, plugin, hook, kind, spec))
        if checked is not None:
            plugin.guarded(hook, partial(_add, registry, plugin, checked, known))


def _add(registry: Registry, plugin: Plugin, spec: Spec, known: dict[str, Any]) -> None:
    """Gives a spec its name, if that is free or the user overrides who has it."""
    owner = next((every[spec.name] for every in _tables(registry, known) if spec.name in every), None)
    if owner is None:
        if isinstance(spec, ExporterSpec):
            _claim_suffix(registry, plugin, spec)
        known[spec.name] = Offer(spec, plugin)
        return
    same = spec.name in known and owner.plugin is not plugin and not isinstance(spec, MetricSpec | ExporterSpec)
    if same and owner.replaces is None and spec.name in registry.settings.overrides:
        known[spec.name] = Offer(spec, plugin, replaces=owner.plugin)
        return
    raise PluginError(
        f"'{spec.name}' is offered by {plugin.distribution} ({plugin.name}), "
        f"but {owner.plugin.distribution} ({owner.plugin.name}) has that name already",
        f"rename it; --override {spec.name} takes this one instead" if same else "rename it",
    )


def _tables(registry: Registry, known: Mapping[str, Any]) -> Iterator[Mapping[str, Offer[Any]]]:
    """Where a name must be free; formats of files are named in no command beside methods and datasets."""
    if known is registry.exporters:
        yield registry.exporters
    else:
        yield from (registry.methods, registry.datasets, registry.metrics)


def _claim_suffix(registry: Registry, plugin: Plugin, spec: ExporterSpec) -> None:
    """Raises `PluginError` if another exporter makes files of that suffix."""
    for offer in registry.exporters.values():
        if offer.spec.suffix == spec.suffix:
            owner = offer.plugin
            raise PluginError(
                f"'{spec.name}' of {plugin.distribution} ({plugin.name}) makes {spec.suffix} files, but "
                f"'{offer.spec.name}' of {owner.distribution} ({owner.name}) does already",
                "give it another suffix",
            )


def admit(plugin: Plugin, hook: str, kind: type[S], spec: object) -> S:
    """Checks a spec that a hook returned; a deprecated API version is noted with the plugin.

    Raises:
        PluginError: It is of another kind or API version, or its options cannot be used.
    """
    if not isinstance(spec, kind):
        raise PluginError(f"{hook} returned {type(spec).__name__}, expected {kind.__name__}")
    if fault := api_fault(spec.api):
        raise PluginError(f"'{spec.name}' {fault[0]}", fault[1])
    if isinstance(spec, MethodSpec | DatasetSpec):
        _check_options(spec)
    if notice := api_notice(spec.api):
        plugin.notices.append(f"'{spec.name}' {notice}")
    return spec


def _check_options(spec: MethodSpec | DatasetSpec) -> None:
    """Defaults and presets must build options that JSON can hold; other parts of the spec too."""
    presets = spec.profiles if isinstance(spec, MethodSpec) else {}
    for name, values in [("", {}), *presets.items()]:
        try:
            spec.options.model_validate(values).model_dump_json()
        except Exception as error:
            where = f"the preset of profile {name}" if name else "the defaults of the options"
            raise PluginError(f"'{spec.name}': {where} cannot be used: {describe(error)}") from error
    if isinstance(spec, MethodSpec) and spec.builds_on and spec.builds_on not in spec.options.model_fields:
        raise PluginError(f"'{spec.name}' builds on its option '{spec.builds_on}', which it does not have")
