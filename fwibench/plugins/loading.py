"""Finding plugins and asking them what they offer.

Invariant: every plugin is loaded and asked by itself. One that is broken costs its own specs, is
remembered with the stage and the reason, and hides nothing of the others.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from fwibench.errors import PluginError
from fwibench.plugins import hookspecs

PLUGINS_DIR_VARIABLE = "FWIBENCH_PLUGINS_DIR"


@dataclass
class Plugin:
    """One plugin and how it fared.

    Attributes:
        name: Name of the entry point or of the file.
        distribution: Distribution or folder it came from.
        version: Version of the distribution; empty for a file.
        manager: A pluggy manager that knows this plugin alone; None if it could not be loaded.
        stage: Where it broke; empty while it is well.
        reason: One line on why.
        traceback: The whole story, for `--debug`.
    """

    name: str
    distribution: str
    version: str = ""
    manager: pluggy.PluginManager | None = field(default=None, repr=False)
    stage: str = ""
    reason: str = ""
    traceback: str = field(default="", repr=False)

    @property
    def broken(self) -> bool:
        """Whether anything went wrong with it."""
        return bool(self.stage)

    def broke(self, stage: str, error: BaseException) -> None:
        """Remembers what went wrong; the first fault is the one that counts."""
        if not self.broken:
            self.stage = stage
            self.reason = f"{type(error).__name__}: {error}"
            self.traceback = "".join(traceback.format_exception(error))

    def guarded(self, stage: str, action: Callable[[], Any]) -> Any:
        """Runs `action`; whatever it raises, `SystemExit` included, breaks this plugin only."""
        try:
            return action()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.broke(stage, error)
            return None

    def call(self, hook: str, **arguments: Any) -> list[Any]:
        """Calls one hook of this plugin; a fault breaks the plugin and yields nothing."""
        if self.manager is None:
            return []
        caller = getattr(self.manager.hook, hook)
        found: list[Any] | None = self.guarded(hook, lambda: caller(**arguments))
        return found or []


def discover() -> list[Plugin]:
    """Loads the installed plugins, then those of `FWIBENCH_PLUGINS_DIR`."""
    return [*_installed(), *_from_folder()]


def _installed() -> Iterator[Plugin]:
    for entry in sorted(entry_points(group=hookspecs.GROUP), key=lambda e: e.name):
        distribution = entry.dist
        plugin = Plugin(
            entry.name,
            distribution.name if distribution else "unknown",
            distribution.version if distribution else "",
        )
        _register(plugin, entry.load)
        yield plugin


def _from_folder() -> Iterator[Plugin]:
    setting = os.environ.get(PLUGINS_DIR_VARIABLE)
    if not setting:
        return
    folder = Path(setting)
    if not folder.is_dir():
        raise PluginError(f"the plugin folder {folder} does not exist", "correct --plugins-dir or FWIBENCH_PLUGINS_DIR")
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "_")) or not (path.suffix == ".py" or (path / "__init__.py").exists()):
            continue
        plugin = Plugin(path.stem, str(folder))
        _register(plugin, partial(importlib.import_module, path.stem))
        yield plugin


def _register(plugin: Plugin, load: Callable[[], ModuleType]) -> None:
    module = plugin.guarded("import", load)
    if module is None:
        return
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)

    def register() -> None:
        manager.register(module, plugin.name)
        manager.check_pending()

    plugin.guarded("register", register)
    if not plugin.broken:
        plugin.manager = manager
