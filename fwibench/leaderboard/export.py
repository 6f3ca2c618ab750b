"""Leaderboards as files; the suffix says the format, and exporters are plugins."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from fwibench.errors import FwibenchError, PluginError, UsageError
from fwibench.files.atomic import atomic_write
from fwibench.leaderboard.exporters.data import Rows, Units
from fwibench.plugins.isolation import describe, stdout_to_stderr
from fwibench.plugins.registry import Registry
from fwibench.specs.exporter import ExporterSpec


def export(rows: Rows, units: Units, path: Path, registry: Registry) -> None:
    """Writes rows to `path`, atomically.

    Raises:
        UsageError: The suffix names no known format, or what that needs is not installed.
        PluginError: The exporter fails.
    """
    spec = find_exporter(path, registry)
    try:
        with stdout_to_stderr():
            content = spec.load()([dict(row) for row in rows], dict(units))
    except FwibenchError:
        raise
    except (Exception, SystemExit) as error:
        raise _fault(spec, f"fails: {describe(error)}") from error
    if not isinstance(content, str | bytes):
        raise _fault(spec, f"returned {type(content).__name__}, expected str or bytes")
    with atomic_write(path) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


def find_exporter(path: Path, registry: Registry) -> ExporterSpec:
    """The exporter for a suffix.

    Raises:
        UsageError: There is none, or what it needs is not installed.
    """
    known = {offer.spec.suffix: offer.spec for offer in registry.exporters.values()}
    if path.suffix not in known:
        raise UsageError(
            f"cannot export to '{path}': there is no format '{path.suffix}'",
            " ".join(filter(None, (f"formats are {', '.join(known)}", registry.absent()))),
        )
    spec = known[path.suffix]
    if absent := [module for module in spec.needs if importlib.util.find_spec(module) is None]:
        raise UsageError(f"{path.suffix} files need {', '.join(absent)}, which is not installed", spec.summary)
    return spec


def check_formats(paths: Iterable[Path], registry: Registry) -> None:
    """Raises `UsageError` unless all suffixes name formats; asked before any work is done."""
    for path in paths:
        find_exporter(path, registry)


def _fault(spec: ExporterSpec, what: str) -> PluginError:
    return PluginError(f"exporter '{spec.name}' ({spec.target}) {what}", "export to another format, or tell its author")
