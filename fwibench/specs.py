"""What a plugin says of itself before any of its code is loaded.

Invariant: a spec is light. It names its implementation as `"module:Object"`, and only `load` imports it.
"""

from __future__ import annotations

import importlib
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from fwibench.errors import PluginError
from fwibench.problem import Frozen

API_VERSION = 1
"""Version of the plugin contract; a spec states the one it was written for."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
Target = Annotated[str, StringConstraints(pattern=r"^[\w.]+:[\w.]+$")]


class NoOptions(Frozen):
    """Options of something that has none."""


class Spec(Frozen):
    """Common part of all specs."""

    name: Name
    summary: str = Field(min_length=1, description="one line, shown in lists")
    reference: str = Field(default="", description="paper, equation or address the implementation follows")
    version: str = Field(default="1", description="changes whenever results change; part of every cell's key")
    api: int = Field(default=API_VERSION, description="version of the plugin contract this was written for")
    expected_failures: dict[str, str] = Field(
        default_factory=dict, description="checks of fwibench.testing that it is known to fail, each with the reason"
    )
    target: Target = Field(description="the implementation, 'module:Object'")

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
        except (ImportError, AttributeError) as error:
            raise PluginError(
                f"'{self.name}' names its implementation as '{self.target}', which cannot be loaded: {error}",
                "install what the plugin needs, or correct the target in its spec",
            ) from error
        return found
