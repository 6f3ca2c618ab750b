"""Finding plugins and importing them.

Invariant: every plugin is found and loaded by itself. Built-in ones come first, then installed
distributions, then folders; the working directory is not among them.
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
"""Names of hooks begin so, and no other function of an entry module may."""
UNKNOWN = "unknown"
"""Stands for a distribution without metadata."""


def find_plugins(settings: Settings) -> list[Plugin]:
    """All plugins there are, none of them imported yet; those that the settings leave out are marked.

    Raises:
        UsageError: A folder is not there, or `disabled` names a plugin that is not.
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
    """Imports a plugin and registers its hooks; a fault is kept with it."""
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
    """Plugins of installed distributions.

    Only a distribution that names our group is read any further, so that the number of packages hardly matters.
    """
    seen = set()
    for distribution in distributions():
        try:
            text = distribution.read_text("entry_points.txt")
        except Exception:  # somebody's files are not readable: no plugin of ours
            continue
        if not text or f"[{hookspecs.GROUP}]" not in text:
            continue
        name, version = _identify(distribution)
        # the same distribution may be met twice on the path; the first counts, as for imports
        if name in seen:
            continue
        if name != UNKNOWN:
            seen.add(name)
        for entry in distribution.entry_points.select(group=hookspecs.GROUP):
            yield Plugin(entry.name, name, version, partial(_import_entry, entry))


def _identify(distribution: Distribution) -> tuple[str, str]:
    try:
        return distribution.metadata["Name"] or UNKNOWN, distribution.metadata["Version"] or ""
    except Exception:  # without metadata it still has its entry points
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
    """Files and packages of a folder that are plugins: all but those whose name starts with a dot or underscore."""
    hint = "correct --plugins-dir or FWIBENCH_PLUGINS_DIR"
    if (folder / "__init__.py").exists():
        raise UsageError(f"the plugin folder {folder} is itself a package", f"name the folder above it; {hint}")
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        why = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise UsageError(f"the plugin folder {folder} {why}", hint) from error
    # last on the path, so a plugin's file can never stand in for a module of somebody else
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
        importlib.invalidate_caches()
    return [
        path
        for path in paths
        if not path.name.startswith((".", "_")) and (path.suffix == ".py" or (path / "__init__.py").exists())
    ]


def _import_file(path: Path) -> Any:
    """Imports a file or package under its plain name, by which targets and pickles find it in any process."""
    name = path.stem
    if not name.isidentifier():
        raise PluginError(f"{path.name} cannot be imported by that name", "use letters, digits and underscores")
    spec = importlib.util.find_spec(name)
    wanted = path if path.suffix == ".py" else path / "__init__.py"
    if spec is None or spec.origin is None or not Path(spec.origin).exists() or not wanted.samefile(spec.origin):
        other = "nothing" if spec is None else spec.origin or "a package without __init__.py"
        raise PluginError(f"{path.name} has the name of another module, which Python finds first: {other}", "rename it")
    return importlib.import_module(name)


def _check_hooks(module: Any, manager: pluggy.PluginManager) -> None:
    """Raises `PluginError` for a function that was meant as a hook and is none."""
    known = [name for name in vars(hookspecs) if name.startswith(PREFIX)]
    for name in dir(module):
        if not name.startswith(PREFIX) or not isroutine(getattr(module, name)):
            continue
        options = manager.parse_hookimpl_opts(module, name)
        if options is None:
            raise PluginError(f"{name} is not marked as a hook", "put @hookimpl above it, or name it otherwise")
        if name not in known and not options["optionalhook"]:
            raise UnknownNameError.among("hook", name, known)
