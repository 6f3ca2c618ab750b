"""The registry of methods, datasets, metrics, exporters, studies, importers and loggers of all plugins, by name.

Invariant: names are unique. The plugin that is found first keeps a name unless the user overrides it; the second one
gets a fault that names both. A registered spec can be listed, planned and written as JSON without importing its code.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Generic, TypeVar

from fwibench.errors import PluginError, UnknownNameError, UsageError
from fwibench.plugins.isolation import describe, undisturbed
from fwibench.plugins.loading import find_plugins, load
from fwibench.plugins.plugin import OWN, Plugin
from fwibench.plugins.settings import Settings, read_settings
from fwibench.specs.base import Declaration, api_fault, api_notice
from fwibench.specs.dataset import DatasetSpec
from fwibench.specs.exporter import ExporterSpec
from fwibench.specs.importer import ImporterSpec
from fwibench.specs.logger import LoggerSpec
from fwibench.specs.method import MethodSpec
from fwibench.specs.metric import MetricSpec
from fwibench.specs.study import StudySpec

S = TypeVar("S", bound=Declaration)


@dataclass(frozen=True)
class Offer(Generic[S]):
    """A spec and its plugin.

    Attributes:
        spec: The spec.
        plugin: The plugin that offers it.
        replaces: Plugin whose offer of the same name this one overrides; None: it overrides none.
    """

    spec: S
    plugin: Plugin
    replaces: Plugin | None = None


@dataclass
class Registry:
    """All plugins and their offers by name.

    Attributes:
        plugins: All plugins, those with faults and disabled ones included.
        methods: Offered methods by name.
        datasets: Offered datasets by name.
        metrics: Offered metrics by name.
        exporters: Offered exporters by name.
        settings: Settings by which the plugins were loaded.
    """

    plugins: list[Plugin] = field(default_factory=list)
    methods: dict[str, Offer[MethodSpec]] = field(default_factory=dict)
    datasets: dict[str, Offer[DatasetSpec]] = field(default_factory=dict)
    metrics: dict[str, Offer[MetricSpec]] = field(default_factory=dict)
    exporters: dict[str, Offer[ExporterSpec]] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)

    @cached_property
    def studies(self) -> dict[str, Offer[StudySpec]]:
        """Offered studies by name; plugins are asked for them on first use, as few commands need them."""
        return self._ask_all("fwibench_studies", StudySpec)

    @cached_property
    def importers(self) -> dict[str, Offer[ImporterSpec]]:
        """Offered importers by name; plugins are asked for them on first use."""
        return self._ask_all("fwibench_importers", ImporterSpec)

    @cached_property
    def loggers(self) -> dict[str, Offer[LoggerSpec]]:
        """Offered loggers by name; plugins are asked for them on first use."""
        return self._ask_all("fwibench_loggers", LoggerSpec)

    def _ask_all(self, hook: str, kind: type[S]) -> dict[str, Offer[S]]:
        """Return what a hook of all plugins offers, by name."""
        found: dict[str, Offer[S]] = {}
        for plugin in self.plugins:
            with undisturbed():
                if plugin.implements(hook):
                    plugin.guarded(hook, partial(_ask, self, plugin, hook, kind, found))
        return found

    @property
    def broken(self) -> list[Plugin]:
        """Plugins with faults."""
        return [plugin for plugin in self.plugins if plugin.broken]

    def method(self, name: str) -> Offer[MethodSpec]:
        """Return the method of that name; raises `UnknownNameError`, which suggests the closest names."""
        return self._find("method", self.methods, name)

    def dataset(self, name: str) -> Offer[DatasetSpec]:
        """Return the dataset of that name; raises `UnknownNameError`, which suggests the closest names."""
        return self._find("dataset", self.datasets, name)

    def metric(self, name: str) -> Offer[MetricSpec]:
        """Return the metric of that name; raises `UnknownNameError`, which suggests the closest names."""
        return self._find("metric", self.metrics, name)

    def study(self, name: str) -> Offer[StudySpec]:
        """Return the study of that name; raises `UnknownNameError`, which suggests the closest names."""
        return self._find("study", self.studies, name)

    def importer(self, name: str) -> Offer[ImporterSpec]:
        """Return the importer of that name; raises `UnknownNameError`, which suggests the closest names."""
        return self._find("importer", self.importers, name)

    def logger(self, name: str) -> Offer[LoggerSpec]:
        """Return the logger of that name; raises `UnknownNameError`, which suggests the closest names."""
        return self._find("logger", self.loggers, name)

    def _find(self, kind: str, known: Mapping[str, Offer[S]], name: str) -> Offer[S]:
        if name not in known:
            raise UnknownNameError.among(kind, name, known, self.absent())
        return known[name]

    def absent(self) -> str:
        """Return a note on broken and disabled plugins, which may offer a missing name; empty without any."""
        notes = [
            f"{status} plugins may have offered it: {', '.join(names)}"
            for status in ("broken", "disabled")
            if (names := [plugin.name for plugin in self.plugins if plugin.status == status])
        ]
        return f"({'; '.join(notes)}; see fwibench plugins list)" if notes else ""

    def offers(self, plugin: Plugin) -> dict[str, list[str]]:
        """Return the names that a plugin offers, by kind: `methods`, `datasets` and so on."""
        kinds: dict[str, Mapping[str, Offer[Any]]] = {
            "methods": self.methods,
            "datasets": self.datasets,
            "metrics": self.metrics,
            "exporters": self.exporters,
            "studies": self.studies,
            "importers": self.importers,
            "loggers": self.loggers,
        }
        return {
            kind: [name for name, offer in known.items() if offer.plugin is plugin] for kind, known in kinds.items()
        }

    def check(self) -> None:
        """Raise `UsageError` if `--strict-plugins` finds a broken plugin or `--override` has no effect."""
        if self.settings.strict and self.broken:
            broken = "; ".join(f"{plugin.name} ({plugin.origin}) is {plugin.verdict}" for plugin in self.broken)
            raise UsageError(
                f"plugin {broken}", "fwibench plugins list -v shows details; without --strict-plugins the others work"
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

    def hears(self, hook: str) -> bool:
        """Return whether a plugin implements a hook."""
        return any(plugin.implements(hook) for plugin in self.plugins)

    def tell(self, hook: str, **told: Any) -> None:
        """Call a hook of every plugin, each with its own copy of what is told.

        A plugin that has failed at a report receives none any more: they may be many.

        Args:
            hook: Name of the hook.
            **told: Arguments of the hook.
        """
        for plugin in self.plugins:
            failed = hook == "fwibench_report" and any(fault.stage == hook for fault in plugin.faults)
            if plugin.implements(hook) and not failed:
                with undisturbed():
                    plugin.guarded(hook, partial(plugin.call, hook, **copy.deepcopy(told)))


def load_registry(only: Collection[tuple[str, str]] | None = None) -> Registry:
    """Load the plugins that the environment names, and register their specs.

    Args:
        only: Distribution and name of the plugins to load in addition to the built-in ones; None: all.

    Raises:
        UsageError: A plugin folder does not exist, or a disabled plugin does not.
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


def _ask(registry: Registry, plugin: Plugin, hook: str, kind: type[Declaration], known: dict[str, Any]) -> None:
    """Register the specs that a hook returns one by one, so that an invalid spec does not affect the others."""
    answer = plugin.call(hook)
    if answer is None or isinstance(answer, Declaration):
        got = "nothing" if answer is None else f"one {type(answer).__name__}"
        raise PluginError(f"{hook} returned {got}, expected a list of {kind.__name__}")
    for spec in answer:
        checked: Declaration | None = plugin.guarded(hook, partial(_check, plugin, hook, kind, spec))
        if checked is not None:
            plugin.guarded(hook, partial(_add, registry, plugin, checked, known))


def _add(registry: Registry, plugin: Plugin, spec: Declaration, known: dict[str, Any]) -> None:
    """Register a spec if its name is free or the user overrides the offer that has it."""
    owner = next((every[spec.name] for every in _tables(registry, spec, known) if spec.name in every), None)
    if owner is None:
        if isinstance(spec, ExporterSpec):
            _claim_suffix(registry, plugin, spec)
        known[spec.name] = Offer(spec, plugin)
        return
    same = spec.name in known and owner.plugin is not plugin and isinstance(spec, MethodSpec | DatasetSpec)
    if same and owner.replaces is None and spec.name in registry.settings.overrides:
        known[spec.name] = Offer(spec, plugin, replaces=owner.plugin)
        return
    raise PluginError(
        f"'{spec.name}' is offered by {plugin.distribution} ({plugin.name}), "
        f"but {owner.plugin.distribution} ({owner.plugin.name}) has that name already",
        f"rename it; --override {spec.name} takes this one instead" if same else "rename it",
    )


def _tables(registry: Registry, spec: Declaration, known: Mapping[str, Any]) -> Iterator[Mapping[str, Offer[Any]]]:
    """Yield the tables in which the name of a spec must be free; methods, datasets and metrics share their names."""
    if isinstance(spec, ExporterSpec | StudySpec | ImporterSpec):
        yield known
    else:
        yield from (registry.methods, registry.datasets, registry.metrics)


def _claim_suffix(registry: Registry, plugin: Plugin, spec: ExporterSpec) -> None:
    """Raise `PluginError` if another exporter writes files of that suffix."""
    for offer in registry.exporters.values():
        if offer.spec.suffix == spec.suffix:
            owner = offer.plugin
            raise PluginError(
                f"'{spec.name}' of {plugin.distribution} ({plugin.name}) writes {spec.suffix} files, but "
                f"'{offer.spec.name}' of {owner.distribution} ({owner.name}) does already",
                "give it another suffix",
            )


def _check(plugin: Plugin, hook: str, kind: type[S], spec: object) -> S:
    """Return a spec that a hook returned if it is valid; a deprecated API version is added to the plugin's notices."""
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
    """Raise `PluginError` unless defaults and profiles are valid options that JSON can hold, and `builds_on` is one."""
    presets = spec.profiles if isinstance(spec, MethodSpec) else {}
    for name, values in [("", {}), *presets.items()]:
        try:
            spec.options.model_validate(values).model_dump_json()
        except Exception as error:
            where = f"the preset of profile {name}" if name else "the defaults of the options"
            raise PluginError(f"'{spec.name}': {where} cannot be used: {describe(error)}") from error
    if not isinstance(spec, MethodSpec):
        return
    if absent := next(
        (one for one in (spec.builds_on, spec.members) if one not in ("", *spec.options.model_fields)), ""
    ):
        raise PluginError(f"'{spec.name}' builds on its option '{absent}', which it does not have")
    if spec.members and not spec.builds_on:
        raise PluginError(f"'{spec.name}' has members, but builds on no method")
