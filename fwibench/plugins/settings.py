"""Settings of the plugins to load.

Invariant: settings are passed in environment variables only, so that a child process loads the plugins of its parent.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FOLDERS = "FWIBENCH_PLUGINS_DIR"
"""Folders of plugins, separated as in `PATH`."""
OWN_ONLY = "FWIBENCH_NO_PLUGINS"
DISABLED = "FWIBENCH_DISABLE_PLUGINS"
OVERRIDES = "FWIBENCH_OVERRIDE"
"""Names, separated by commas, as in `FWIBENCH_DISABLE_PLUGINS`."""
STRICT = "FWIBENCH_STRICT_PLUGINS"


@dataclass(frozen=True)
class Settings:
    """Settings of the plugins to load.

    Attributes:
        folders: Folders of plugins that are not installed.
        own_only: Whether only the built-in plugins are loaded.
        disabled: Names of plugins or distributions that are not loaded.
        overrides: Names of methods and datasets that a later plugin may take from an earlier one.
        strict: Whether a broken plugin ends the command.
    """

    folders: tuple[Path, ...] = ()
    own_only: bool = False
    disabled: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    strict: bool = False

    def publish(self) -> None:
        """Write the settings to the environment variables of this process and its children."""
        os.environ[FOLDERS] = os.pathsep.join(str(folder.absolute()) for folder in self.folders)
        os.environ[DISABLED] = ",".join(self.disabled)
        os.environ[OVERRIDES] = ",".join(self.overrides)
        os.environ[OWN_ONLY] = "1" if self.own_only else ""
        os.environ[STRICT] = "1" if self.strict else ""


def read_settings() -> Settings:
    """Return the settings of the environment variables."""
    return Settings(
        folders=tuple(dict.fromkeys(Path(text).absolute() for text in split([_variable(FOLDERS)], os.pathsep))),
        own_only=_switch(OWN_ONLY),
        disabled=split([_variable(DISABLED)]),
        overrides=split([_variable(OVERRIDES)]),
        strict=_switch(STRICT),
    )


def split(texts: Iterable[str], separator: str = ",") -> tuple[str, ...]:
    """Return the nonempty parts of all texts."""
    return tuple(part.strip() for text in texts for part in text.split(separator) if part.strip())


def _variable(name: str) -> str:
    return os.environ.get(name, "")


def _switch(name: str) -> bool:
    return _variable(name).lower() not in ("", "0", "false", "no")
