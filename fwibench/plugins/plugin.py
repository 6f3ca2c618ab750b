"""One plugin and how it fared.

Invariant: whatever a plugin raises, `SystemExit` included, becomes a fault of that plugin and goes no further.
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
    """What went wrong with a plugin.

    Attributes:
        stage: `import`, `register`, or the name of a hook.
        reason: One line on why.
        traceback: The whole story.
    """

    stage: str
    reason: str
    traceback: str


@dataclass
class Plugin:
    """One plugin.

    Attributes:
        name: Name of the entry point or of the file.
        distribution: Distribution or folder it came from.
        version: Version of the distribution; empty for a file.
        load: Imports and returns its module.
        disabled: Why it was not loaded; empty if it was.
        manager: A pluggy manager that knows this plugin alone; None if it could not be loaded.
        faults: What went wrong, in order.
        notices: What its author should change before long.
        seconds: Time it took to load and ask.
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
        """Whether anything went wrong with it."""
        return bool(self.faults)

    @property
    def status(self) -> Literal["ok", "broken", "disabled"]:
        """How it fared, in a word."""
        return "disabled" if self.disabled else "broken" if self.faults else "ok"

    @property
    def stage(self) -> str:
        """Where it broke first; empty while it is well."""
        return self.faults[0].stage if self.faults else ""

    @property
    def reason(self) -> str:
        """Why it broke first, or why it was not loaded."""
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
        """One line for people; empty while it is well."""
        if not self.faults:
            return ""
        more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
        return f"broken at {self.stage}: {self.reason}{more}"

    def guarded(self, stage: str, action: Callable[[], Any]) -> Any:
        """Runs `action`; whatever it raises, `SystemExit` included, breaks this plugin only."""
        try:
            return action()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            story = "".join(traceback.format_exception(error))
            self.faults.append(Fault(stage, describe(error), story))
            return None

    def implements(self, hook: str) -> bool:
        """Whether the plugin was loaded and has that hook."""
        return self.manager is not None and bool(getattr(self.manager.hook, hook).get_hookimpls())

    def call(self, hook: str, **arguments: Any) -> Any:
        """Calls one hook of this plugin; None if it has none, or returned that. Raises what the hook raises."""
        if self.manager is None:
            return None
        answers: list[Any] = getattr(self.manager.hook, hook)(**arguments)
        return answers[0] if answers else None
