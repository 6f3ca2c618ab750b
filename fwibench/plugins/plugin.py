"""A plugin and its state.

Invariant: an exception of a plugin, `SystemExit` included, is stored as a fault of that plugin and not propagated.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import pluggy

from fwibench.plugins.isolation import describe

OWN = "fwibench"
"""Name of the distribution whose plugins are the built-in ones."""


class Fault(NamedTuple):
    """An error of a plugin.

    Attributes:
        stage: `import`, `register`, or the name of a hook.
        reason: Description in one line.
        traceback: Full traceback.
    """

    stage: str
    reason: str
    traceback: str


@dataclass
class Plugin:
    """A plugin and its state.

    Attributes:
        name: Name of the entry point or of the file.
        distribution: Name of the distribution, or path of the folder.
        version: Version of the distribution; empty for a file.
        load: Imports and returns its module.
        disabled: Option that disabled the plugin; empty if it is enabled.
        manager: A pluggy manager with this plugin only; None if it is not loaded.
        faults: Errors in order of occurrence.
        notices: Deprecation notices.
        seconds: Time to load the plugin and call its hooks [s].
    """

    name: str
    distribution: str
    version: str = ""
    load: Callable[[], Any] = field(default=lambda: None, repr=False)
    disabled: str = ""
    manager: pluggy.PluginManager | None = field(default=None, repr=False)
    faults: list[Fault] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def broken(self) -> bool:
        """Whether the plugin has a fault."""
        return bool(self.faults)

    @property
    def status(self) -> Literal["ok", "broken", "disabled"]:
        """State of the plugin."""
        return "disabled" if self.disabled else "broken" if self.faults else "ok"

    @property
    def stage(self) -> str:
        """Stage of the first fault; empty without one."""
        return self.faults[0].stage if self.faults else ""

    @property
    def reason(self) -> str:
        """Reason of the first fault, or the option that disabled the plugin."""
        return self.faults[0].reason if self.faults else self.disabled

    @property
    def traceback(self) -> str:
        """Tracebacks of all faults."""
        return "\n".join(fault.traceback for fault in self.faults)

    @property
    def origin(self) -> str:
        """Distribution and version."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def verdict(self) -> str:
        """Summary of the faults in one line; empty without one."""
        if not self.faults:
            return ""
        more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
        return f"broken at {self.stage}: {self.reason}{more}"

    def guarded(self, stage: str, action: Callable[[], Any]) -> Any:
        """Call `action` and return its result; an exception becomes a fault of this plugin, and None is returned.

        Args:
            stage: Stage of the fault.
            action: Code of the plugin.

        Raises:
            KeyboardInterrupt: The user interrupts.
        """
        try:
            return action()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.faults.append(Fault(stage, describe(error), "".join(traceback.format_exception(error))))
            return None

    def implements(self, hook: str) -> bool:
        """Return whether the plugin is loaded and implements a hook."""
        return self.manager is not None and bool(getattr(self.manager.hook, hook).get_hookimpls())

    def call(self, hook: str, **arguments: Any) -> Any:
        """Call a hook of this plugin and return its result; None if the plugin does not implement it.

        Args:
            hook: Name of the hook.
            **arguments: Arguments of the hook.
        """
        if self.manager is None:
            return None
        answers: list[Any] = getattr(self.manager.hook, hook)(**arguments)
        return answers[0] if answers else None
