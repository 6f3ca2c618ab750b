"""Single runs in a report: reasons of failures, environments, and commands to reproduce them."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fwibench.boards.rows import Row
from fwibench.plugins.registry import Registry
from fwibench.report.page.tables import Group
from fwibench.runs.artefacts.record import EXTERNAL, Record
from fwibench.runs.reproduction.command import command_of

OF_A_RUN = ("command", "git")
"""Entries of an environment that do not describe the machine."""


@dataclass(frozen=True)
class Trouble:
    """A run that is not ok, or that has notes.

    Attributes:
        record: Record of the run.
        row: Row that it belongs to.
        lines: Reason and notes.
    """

    record: Record
    row: Row
    lines: list[str]


@dataclass
class Environment:
    """A machine with its packages, whatever the state of the code was.

    Attributes:
        facts: Labelled lines.
        runs: Names of the runs made there.
        code: States of the code, with the number of runs of each.
    """

    facts: list[tuple[str, str]]
    runs: list[str] = field(default_factory=list)
    code: Counter[str] = field(default_factory=Counter)

    @property
    def title(self) -> str:
        """Processor, GPU and device."""
        known = dict(self.facts)
        return ", ".join(known[name] for name in ("cpu", "gpu", "device") if name in known)


@dataclass(frozen=True)
class Recipe:
    """Commands that reproduce a row.

    Attributes:
        row: Row of the leaderboard.
        anchor: Id of its row in the page.
        commands: For each of its runs, a command that repeats it and compares, and one that only repeats it; none of
            predictions that were made elsewhere.
    """

    row: Row
    anchor: str
    commands: list[tuple[str, str]]


def find_troubles(runs: Mapping[str, Record], rows: Sequence[Row]) -> tuple[list[Trouble], list[Trouble]]:
    """Return the runs that are not ok, and those that are ok and have notes.

    Args:
        runs: Records by name of the run.
        rows: Rows of the leaderboard.
    """
    bad, noted = [], []
    for record, row in [(one, own) for own in rows for one in _records(own, runs)]:
        if record.status != "ok":
            bad.append(Trouble(record, row, [record.reason or "no reason was recorded", *record.notes]))
        elif record.notes:
            noted.append(Trouble(record, row, list(record.notes)))
    return bad, noted


def find_environments(records: Sequence[Record]) -> list[Environment]:
    """Return each environment once, the one with most runs first."""
    found: dict[str, Environment] = {}
    for record in records:
        here = {name: value for name, value in record.environment.items() if name not in OF_A_RUN}
        if here:
            name = json.dumps([here, record.device], sort_keys=True, default=str)
            environment = found.setdefault(name, Environment(_facts(here, record.device)))
            environment.runs.append(record.run_id)
            environment.code[_code(record.environment.get("git"))] += 1
    return sorted(found.values(), key=lambda one: -len(one.runs))


def find_recipes(groups: Sequence[Group], runs: Mapping[str, Record], registry: Registry) -> list[Recipe]:
    """Return the commands that reproduce each row, published rows left out.

    Args:
        groups: Tables of the page.
        runs: Records by name of the run.
        registry: Where methods are looked up.
    """
    found = []
    for shown in (shown for group in groups if not group.published for shown in group.rows):
        commands = [
            (
                shlex.join(["fwibench", "reproduce", record.run_id]),
                shlex.join(command_of(record, runs.get(record.cell.base), registry)),
            )
            for record in _records(shown.row, runs)
            if record.kind != EXTERNAL
        ]
        found.append(Recipe(shown.row, shown.anchor, commands))
    return found


def _records(row: Row, runs: Mapping[str, Record]) -> list[Record]:
    return [runs[run] for run in row.run_ids if run in runs]


def _code(git: Any) -> str:
    if not isinstance(git, Mapping):
        return "installed, not a checkout"
    return f"commit {str(git.get('commit'))[:12]}{', with changes' if git.get('changed') else ''}"


def _facts(environment: Mapping[str, Any], device: str) -> list[tuple[str, str]]:
    facts = [("device", device)]
    for name, value in environment.items():
        if name == "packages" and isinstance(value, Mapping):
            facts += [(str(package), _text(version)) for package, version in value.items()]
        else:
            facts.append((name, _text(value)))
    return [(name, text) for name, text in facts if text]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
