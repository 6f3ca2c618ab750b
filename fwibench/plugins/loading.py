"""Discovery and import of plugins.

Invariant: a plugin that fails does not affect the others. Built-in plugins come first, then installed distributions,
then folders; the working directory is not searched.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from functools import partial
from importlib.metadata import Distribution, EntryPoint, distributions
from inspect import isroutine
from pathlib import Path
from typing import Any

import pluggy

from fwibench.errors import PluginError, UnknownNameError, UsageError
from fwibench.plugins import hookspecs
from fwibench.plugins.plugin import OWN, Plugin
from fwibench.plugins.settings import Settings

PREFIX = "fwibench_"
"""Prefix of the names of hooks; other functions of an entry module must not have it."""
UNKNOWN = "unknown"
"""Name of a distribution without metadata."""


def find_plugins(settings: Settings) -> list[Plugin]:
    """Find all plugins without importing them, and mark those that the settings disable.

    Raises:
        UsageError: A plugin folder does not exist, or a disabled plugin does not.
    """
    installed = sorted(_installed(), key=lambda one: (one.distribution != OWN, one.distribution, one.name))
    found = [*installed, *_in_folders(settings.folders)]
    known = {name for plugin in found for name in (plugin.name, plugin.distribution)}
    for name in settings.disabled:
        if name not in known:
            raise UnknownNameError.among("plugin", name, known, "(--disable-plugin, FWIBENCH_DISABLE_PLUGINS)")
    for plugin in found:
        if plugin.name in settings.disabled or plugin.distribution in settings.disabled:
            plugin.disabled = "--disable-plugin"
        elif settings.own_only and plugin.distribution != OWN:
            plugin.disabled = "--no-plugins"
    return found


def load(plugin: Plugin) -> None:
    """Import a plugin and register its hooks; a failure is stored in the plugin."""
    if plugin.disabled or plugin.broken:
        return
    module = plugin.guarded("import", plugin.load)
    if module is None:
        return
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)

    def register() -> None:
        _check_hooks(module, manager)
        manager.register(module, plugin.name)
        manager.check_pending()

    plugin.guarded("register", register)
    if not plugin.broken:
        plugin.manager = manager


def _installed() -> Iterator[Plugin]:
    """Yield the plugins of installed distributions.

    Distributions without an entry point in the group are skipped early, so that many installed packages cost little.
    """
    seen = set()
    for distribution in distributions():
        try:
            text = distribution.read_text("entry_points.txt")
        except Exception:  # files of an unrelated package may be unreadable
            continue
        if not text or f"[{hookspecs.GROUP}]" not in text:
            continue
        name, version = _identify(distribution)
        # a distribution may occur twice on the path; the first one takes precedence, as for imports
        if name in seen:
            continue
        if name != UNKNOWN:
            seen.add(name)
        for entry in distribution.entry_points.select(group=hookspecs.GROUP):
            yield Plugin(entry.name, name, version, partial(_import_entry, entry))


def _identify(distribution: Distribution) -> tuple[str, str]:
    try:
        return distribution.metadata["Name"] or UNKNOWN, distribution.metadata["Version"] or ""
    except Exception:  # a distribution without metadata still has its entry points
        return UNKNOWN, ""


def _import_entry(entry: EntryPoint) -> Any:
    if not entry.pattern.match(entry.value):
        raise PluginError(f"the entry point {entry.name} is '{entry.value}', expected a module", "correct its package")
    return entry.load()


def _in_folders(folders: tuple[Path, ...]) -> Iterator[Plugin]:
    for folder in folders:
        for path in _contents(folder):
            yield Plugin(path.stem, str(folder), load=partial(_import_file, path))


def _contents(folder: Path) -> list[Path]:
    """Return the plugins of a folder: its files and packages whose names do not start with a dot or underscore."""
    hint = "correct --plugins-dir or FWIBENCH_PLUGINS_DIR"
    if (folder / "__init__.py").exists():
        raise UsageError(f"the plugin folder {folder} is itself a package", f"name the folder above it; {hint}")
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        why = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise UsageError(f"the plugin folder {folder} {why}", hint) from error
    # last on the path, so that a plugin never shadows another module
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
        importlib.invalidate_caches()
    return [
        path
        for path in paths
        if not path.name.startswith((".", "_")) and (path.suffix == ".py" or (path / "__init__.py").exists())
    ]


def _import_file(path: Path) -> Any:
    """Import a file or package under its plain name, by which targets and pickles find it in every process."""
    name = path.stem
    if not name.isidentifier():
        raise PluginError(f"{path.name} cannot be imported by that name", "use letters, digits and underscores")
    spec = importlib.util.find_spec(name)
    expected = path if path.suffix == ".py" else path / "__init__.py"
    if spec is None or spec.origin is None or not Path(spec.origin).exists() or not expected.samefile(spec.origin):
        other = "nothing" if spec is None else spec.origin or "a package without __init__.py"
        raise PluginError(f"{path.name} has the name of another module, which Python finds first: {other}", "rename it")
    return importlib.import_module(name)


def _check_hooks(module: Any, manager: pluggy.PluginManager) -> None:
    """Raise `PluginError` for a function with the prefix of hooks that is not a hook."""
    known = [name for name in vars(hookspecs) if name.startswith(PREFIX)]
    for name in dir(module):
        if not name.startswith(PREFIX) or not isroutine(getattr(module, name)):
            continue
        options = manager.parse_hookimpl_opts(module, name)
        if options is None:
            raise PluginError(f"{name} is not marked as a hook", "put @hookimpl above it, or name it otherwise")
        if name not in known and not options["optionalhook"]:
            raise UnknownNameError.among("hook", name, known)
