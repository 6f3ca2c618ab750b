"""The command that makes a run again.

Invariant: what a record says is quoted, never trusted: whatever its names hold, each stays one word of the command.
"""

from __future__ import annotations

import json
import re
from typing import Any

from fwibench.plugins.registry import Registry
from fwibench.runs.plan import differing_options
from fwibench.runs.record import Record

_BARE = re.compile(r"[A-Za-z0-9_./~+:@-]+")
_ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "[],|"}


def command_of(record: Record, base: Record | None = None, registry: Registry | None = None) -> list[str]:
    """Words of the `fwibench run` that makes a record's cell again; `shlex.join` makes a line for a shell of them.

    Args:
        record: Of the run.
        base: Of the run that it builds on; None where it builds on none or that record is not there, and then
            the options of that method are taken to be the profile's.
        registry: Says which options the profile sets today and which metrics must be asked for. None: the options
            are those that differed when the run was made, and no metrics are asked for.
    """
    cell = record.cell
    above = _chosen(record, registry)
    below = _chosen(base, registry) if base else {}
    bracketed = {name: text for name, value in above.items() if not re.search(r"[\[\],|]", text := _text(value))}
    methods = [base.cell.method] if base and below else []
    methods.append(_selected(cell.method, bracketed))
    words = ["fwibench"]
    for one in (record, base):
        if one and one.cell.plugin:
            words += _option("--override", one.cell.method)
    words += ["run", *_option("--methods", ",".join(methods))]
    words += _option(
        "--dataset", _selected(cell.dataset, {name: _text(value) for name, value in cell.dataset_options.items()})
    )
    words += [*_option("--split", cell.split), "--profile", cell.profile]
    if cell.seed:
        words += ["--first-seed", str(cell.seed)]
    if cell.test_samples is not None:
        words += ["--test-samples", str(cell.test_samples)]
    settings = {f"{cell.method}.{name}": value for name, value in above.items() if name not in bracketed}
    if base:
        settings |= {f"{base.cell.method}.{name}": value for name, value in below.items()}
    for name, value in settings.items():
        words += _option("--set", f"{name}={_text(value)}")
    if registry and (asked := _asked_metrics(record, registry)):
        words += _option("--metrics", ",".join(asked))
    return words


def _chosen(record: Record, registry: Registry | None) -> dict[str, Any]:
    """Options that the command has to name."""
    offer = registry.methods.get(record.cell.method) if registry else None
    if offer is None:
        return record.chosen
    return differing_options(offer.spec, record.cell.profile, record.cell.options)


def _asked_metrics(record: Record, registry: Registry) -> list[str]:
    default = {name for name, offer in registry.metrics.items() if offer.spec.default}
    return [name for name in record.scores if name not in default]


def _selected(name: str, options: dict[str, str]) -> str:
    inside = ",".join(f"{key}={text}" for key, text in options.items())
    return f"{name}[{inside}]" if inside else name


def _text(value: Any) -> str:
    """What the command line reads as this value: a plain word as it stands, anything else as JSON."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _BARE.fullmatch(value) and not _means_another(value):
        return value
    # signs that part options are written by their numbers, so that they stay inside
    return json.dumps(value).translate(_ESCAPED)


def _means_another(text: str) -> bool:
    """Whether the command line would read a word as a number, a truth or none."""
    if text.lower() in ("none", "true", "false"):
        return True
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _option(name: str, value: str) -> list[str]:
    """An option and its value; in one word where the value could be taken for an option."""
    return [f"{name}={value}"] if value.startswith("-") else [name, value]
