"""What a plugin says of itself before any of its code is loaded.

Invariant: a spec is light. It names its implementation as `"module:Object"`, and only `load` imports it.
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

API_VERSION = "1.1"
"""Version of the plugin contract, MAJOR.MINOR; docs/plugin-api.md has the rule and the changes."""
OLDEST_API = "1.0"
"""Oldest version that is still read; a major version below ours costs a line of warning."""
FIRST_API = "1.0"
"""What a spec that names no version was written for."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
Target = Annotated[str, StringConstraints(pattern=r"^[\w.]+:[\w.]+$")]
Api = Annotated[
    str,
    # 1 means 1.0
    BeforeValidator(lambda value: f"{value}.0" if isinstance(value, int) else value),
    StringConstraints(pattern=r"^\d+\.\d+$"),
]


def api_fault(api: str) -> tuple[str, str] | None:
    """Why a spec of that API version cannot be read, and what to do; None if it can."""
    if _number(api) > _number(API_VERSION):
        return f"is written for plugin API {api}, this fwibench has {API_VERSION}", "upgrade fwibench"
    if _number(api) < _number(OLDEST_API):
        return f"is written for plugin API {api}, this fwibench reads {OLDEST_API} and later", "upgrade the plugin"
    return None


def api_notice(api: str) -> str:
    """What to say of a version that is read but will not be for ever; empty for one that has all its time."""
    if _number(api)[0] == _number(API_VERSION)[0]:
        return ""
    return f"is written for plugin API {api}; fwibench has {API_VERSION} and will stop to read {api}"


def _number(api: str) -> tuple[int, int]:
    major, _, minor = api.partition(".")
    return int(major), int(minor or 0)


class NoOptions(Frozen):
    """Options of something that has none."""


class Spec(Frozen):
    """Common part of all specs."""

    name: Name = Field(description="small letters, digits and hyphens; one name means one thing in all plugins")
    summary: str = Field(min_length=1, description="one line, shown in lists")
    reference: str = Field(default="", description="paper, equation or address the implementation follows")
    version: str = Field(
        default="1", description="changes whenever results change; part of every cell's key, except that of a metric"
    )
    api: Api = Field(default=FIRST_API, description="version of the plugin contract this was written for")
    expected_failures: dict[str, str] = Field(
        default_factory=dict, description="checks of fwibench.testing that it is known to fail, each with the reason"
    )
    target: Target = Field(description="the implementation, 'module:Object'")

    @model_validator(mode="wrap")
    @classmethod
    def _of_the_future(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Fields that a later API added are told as that, not as mistakes."""
        try:
            return handler(values)
        except ValidationError as error:
            api = values.get("api") if isinstance(values, dict) else None
            fault = api_fault(str(api)) if re.fullmatch(r"\d+(\.\d+)?", str(api)) else None
            if fault is None:
                raise
            raise PluginError(f"'{values.get('name')}' {fault[0]}", fault[1]) from error

    def load(self) -> Any:
        """Imports and returns the implementation.

        Raises:
            PluginError: The module cannot be imported or has no such object.
        """
        module, _, attribute = self.target.partition(":")
        try:
            found: Any = importlib.import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"'{self.name}' names its implementation as '{self.target}', which cannot be loaded: "
                f"{type(error).__name__}: {error}",
                "install what the plugin needs, or correct the target in its spec",
            ) from error
        return found
