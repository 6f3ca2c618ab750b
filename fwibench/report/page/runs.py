"""What the report says of single runs: which are not ok and why, where they ran, how to make them again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fwibench.leaderboard.rows import Row, label
from fwibench.report.page.tables import Group
from fwibench.runs.record import Record


@dataclass(frozen=True)
class Trouble:
    """A run that is not ok, or one that has something to tell.

    Attributes:
        record: Of the run.
        row: To which it belongs.
        name: Method with its options.
        lines: Reason and notes.
    """

    record: Record
    row: Row
    name: str
    lines: list[str]


@dataclass
class Place:
    """An environment.

    Attributes:
        facts: Labelled lines.
        runs: Made there.
    """

    facts: list[tuple[str, str]]
    runs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Recipe:
    """How a row is made again.

    Attributes:
        row: Of the leaderboard.
        name: Method with its options.
        anchor: Name of its row in the page.
        commands: A line each.
    """

    row: Row
    name: str
    anchor: str
    commands: list[str]


def find_troubles(records: Sequence[Record], rows: Sequence[Row]) -> tuple[list[Trouble], list[Trouble]]:
    """Runs that are not ok, and runs that are ok and have notes."""
    of_run = {run: row for row in rows for run in str(row["run_ids"] or "").split()}
    bad, noted = [], []
    for record in records:
        row = of_run.get(record.run_id)
        if row is None:
            continue
        if record.status != "ok":
            bad.append(Trouble(record, row, label(row), [record.reason or "no reason was recorded", *record.notes]))
        elif record.notes:
            noted.append(Trouble(record, row, label(row), list(record.notes)))
    return bad, noted


def find_environments(records: Sequence[Record]) -> list[Place]:
    """Each environment once, that of most runs first."""
    found: dict[str, Place] = {}
    for record in records:
        if record.environment:
            name = json.dumps([record.environment, record.device], sort_keys=True, default=str)
            found.setdefault(name, Place(_facts(record))).runs.append(record.run_id)
    return sorted(found.values(), key=lambda place: -len(place.runs))


def find_recipes(groups: Sequence[Group]) -> list[Recipe]:
    """How to make each row again, printed rows left out."""
    return [
        Recipe(shown.row, shown.name, shown.anchor, _commands(shown.row))
        for group in groups
        if not group.published
        for shown in group.rows
    ]


def _commands(row: Row) -> list[str]:
    return [f"fwibench reproduce {run}" for run in str(row["run_ids"] or "").split()]


def _facts(record: Record) -> list[tuple[str, str]]:
    facts = [("device", record.device)]
    for name, value in record.environment.items():
        if name == "packages" and isinstance(value, Mapping):
            facts += [(str(package), _text(version)) for package, version in value.items()]
        else:
            facts.append((name, _text(value)))
    return [(name, text) for name, text in facts if text]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
