"""Which plugins a command asks for.

Invariant: the settings travel in the environment alone, so a child process loads what its parent loaded.
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
"""Names, separated by commas; so is the variable above."""
STRICT = "FWIBENCH_STRICT_PLUGINS"


@dataclass(frozen=True)
class Settings:
    """What the options and the environment say.

    Attributes:
        folders: Where plugins that are not installed lie.
        own_only: Load nothing but what fwibench's own distribution offers.
        disabled: Names of plugins, or of distributions, that are not loaded.
        overrides: Names of methods and datasets that a later plugin may take from an earlier one.
        strict: A broken plugin ends the command.
    """

    folders: tuple[Path, ...] = ()
    own_only: bool = False
    disabled: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    strict: bool = False

    def publish(self) -> None:
        """Writes the settings to the environment, where this process and its children read them."""
        os.environ[FOLDERS] = os.pathsep.join(str(folder.absolute()) for folder in self.folders)
        os.environ[DISABLED] = ",".join(self.disabled)
        os.environ[OVERRIDES] = ",".join(self.overrides)
        os.environ[OWN_ONLY] = "1" if self.own_only else ""
        os.environ[STRICT] = "1" if self.strict else ""


def read_settings() -> Settings:
    """The settings in the environment."""
    return Settings(
        folders=tuple(dict.fromkeys(Path(text).absolute() for text in split([_variable(FOLDERS)], os.pathsep))),
        own_only=_switch(OWN_ONLY),
        disabled=split([_variable(DISABLED)]),
        overrides=split([_variable(OVERRIDES)]),
        strict=_switch(STRICT),
    )


def split(texts: Iterable[str], separator: str = ",") -> tuple[str, ...]:
    """The parts of all texts, without the empty ones."""
    return tuple(part.strip() for text in texts for part in text.split(separator) if part.strip())


def _variable(name: str) -> str:
    return os.environ.get(name, "")


def _switch(name: str) -> bool:
    return _variable(name).lower() not in ("", "0", "false", "no")
