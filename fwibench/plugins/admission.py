"""Which specs are let in.

Invariant: a spec that is admitted can be listed, planned and written as JSON without its code being imported.
"""

from __future__ import annotations

from typing import TypeVar

from fwibench.errors import PluginError
from fwibench.plugins.guard import describe
from fwibench.plugins.plugin import Plugin
from fwibench.specs.base import Spec, api_fault, api_notice
from fwibench.specs.dataset import DatasetSpec
from fwibench.specs.method import MethodSpec

S = TypeVar("S", bound=Spec)


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
