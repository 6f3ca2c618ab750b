"""Leaderboards as files: the suffix says the format, and exporters are plugins."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from pathlib import Path

from fwibench.boards.rows import Row
from fwibench.errors import FwibenchError, PluginError, UsageError
from fwibench.files.atomic import atomic_write
from fwibench.plugins.isolation import describe, stdout_to_stderr
from fwibench.plugins.registry import Registry
from fwibench.specs.exporter import ExporterSpec


def export(rows: Sequence[Row], path: Path, registry: Registry) -> None:
    """Write rows to a file, atomically.

    Args:
        rows: Rows of a leaderboard, group by group.
        path: The file; its suffix says the format.
        registry: Its exporters are the known formats.

    Raises:
        UsageError: The suffix names no known format, or a module that the format needs is not installed.
        PluginError: The exporter fails.
    """
    spec = find_exporter(path, registry)
    try:
        with stdout_to_stderr():
            content = _call(spec, rows)
    except FwibenchError:
        raise
    except (Exception, SystemExit) as error:
        raise _fault(spec, f"fails: {describe(error)}") from error
    if not isinstance(content, str | bytes):
        raise _fault(spec, f"returned {type(content).__name__}, expected str or bytes")
    with atomic_write(path) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


def find_exporter(path: Path, registry: Registry) -> ExporterSpec:
    """Return the exporter for the suffix of a file.

    Args:
        path: The file.
        registry: Where it is looked up.

    Raises:
        UsageError: There is none, or a module that it needs is not installed.
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
    """Raise `UsageError` unless all suffixes name formats; called before any work is done.

    Args:
        paths: Files to be written.
        registry: Its exporters are the known formats.
    """
    for path in paths:
        find_exporter(path, registry)


def _call(spec: ExporterSpec, rows: Sequence[Row]) -> object:
    """The content of the file, as the exporter returns it."""
    if spec.takes == "rows":
        return spec.load()(rows)
    units: dict[str, str] = {}
    for row in rows:
        units[row["dataset"]] = units.get(row["dataset"]) or row.unit
    return spec.load()([dict(row) for row in rows], units)


def _fault(spec: ExporterSpec, what: str) -> PluginError:
    return PluginError(
        f"exporter '{spec.name}' ({spec.target}) {what}",
        "export to another format, or tell the plugin's author",
    )
