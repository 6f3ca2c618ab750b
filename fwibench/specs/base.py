"""The common part of all specs, and versions of the plugin API.

Invariant: a declaration is light. A spec names its implementation as `"module:Object"`, which only `load` imports.
"""

from __future__ import annotations

import importlib
import re
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationError,
    model_validator,
)

from fwibench.errors import PluginError
from fwibench.problem import Frozen

API_VERSION = "1.4"
"""Version of the plugin API, MAJOR.MINOR; docs/plugins/api.md explains the numbers and lists the changes."""
OLDEST_API = "1.0"
"""Oldest version that is supported; one with an older major number is deprecated."""
FIRST_API = "1.0"
"""Version of specs that name none."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
Target = Annotated[str, StringConstraints(pattern=r"^[\w.]+:[\w.]+$")]
Api = Annotated[
    str,
    # an integer is a major version: 1 means 1.0
    BeforeValidator(lambda value: f"{value}.0" if isinstance(value, int) else value),
    StringConstraints(pattern=r"^\d+\.\d+$"),
]


def api_fault(api: str) -> tuple[str, str] | None:
    """Return why an API version is not supported, and what to do; None if it is supported."""
    if _number(api) > _number(API_VERSION):
        return f"is written for plugin API {api}, this fwibench has {API_VERSION}", "upgrade fwibench"
    if _number(api) < _number(OLDEST_API):
        return f"is written for plugin API {api}, this fwibench reads {OLDEST_API} and later", "upgrade the plugin"
    return None


def api_notice(api: str) -> str:
    """Return the deprecation notice of an API version; empty if it is not deprecated."""
    if _number(api)[0] == _number(API_VERSION)[0]:
        return ""
    return f"is written for plugin API {api}; fwibench has {API_VERSION}, and support of {api} will end"


def _number(api: str) -> tuple[int, int]:
    major, _, minor = api.partition(".")
    return int(major), int(minor or 0)


class NoOptions(Frozen):
    """Options of a method without options."""


class Declaration(Frozen):
    """Common part of all that plugins declare."""

    name: Name = Field(description="lower-case letters, digits and hyphens; unique among all plugins")
    summary: str = Field(min_length=1, description="one line, shown in lists")
    reference: str = Field(default="", description="paper, equation or address that the implementation follows")
    version: str = Field(
        default="1", description="changes whenever results change; part of the key of a result, except for a metric"
    )
    api: Api = Field(default=FIRST_API, description="version of the plugin API that the spec was written for")
    expected_failures: dict[str, str] = Field(
        default_factory=dict, description="reasons by name of the conformance checks that are known to fail"
    )

    @model_validator(mode="wrap")
    @classmethod
    def _name_newer_api(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Report unknown fields of a spec for a newer API as a version error."""
        try:
            return handler(values)
        except ValidationError as error:
            api = values.get("api") if isinstance(values, dict) else None
            fault = api_fault(str(api)) if re.fullmatch(r"\d+(\.\d+)?", str(api)) else None
            if fault is None:
                raise
            raise PluginError(f"'{values.get('name')}' {fault[0]}", fault[1]) from error


class Spec(Declaration):
    """Common part of the specs that name code."""

    target: Target = Field(description="implementation, as 'module:Object'")

    def load(self) -> Any:
        """Import and return the implementation.

        Raises:
            PluginError: The module cannot be imported or has no such object.
        """
        return load_object(self.name, "implementation", self.target)


def load_object(owner: str, what: str, target: str) -> Any:
    """Import and return an object that a spec names.

    Args:
        owner: Name of the spec, for messages.
        what: What the object is of it, for messages.
        target: The object, as `"module:Object"`.

    Raises:
        PluginError: The module cannot be imported or has no such object.
    """
    module, _, attribute = target.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"'{owner}' names its {what} as '{target}', which cannot be loaded: {type(error).__name__}: {error}",
            "install what the plugin needs, or correct the target in its spec",
        ) from error
    return found
