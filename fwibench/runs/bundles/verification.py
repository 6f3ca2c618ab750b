"""Verification of a bundle: are its results what its predictions say, and can they be true?

Invariant: every check is made that can be made, and each reason is told. What cannot be checked on this machine is no
pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from fwibench.errors import DataError, FwibenchError
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.bundles.checks import (
    check_costs,
    check_metrics,
    check_predictions,
    check_record,
    check_samples,
    check_scores,
    count_same,
)
from fwibench.runs.bundles.privacy import without_paths
from fwibench.runs.bundles.reading import Bundle, Entry, bundles_at, open_bundle
from fwibench.runs.bundles.samples import AbsentError, Located, open_truth
from fwibench.typing import Maps

CHECKS = ("record", "costs", "samples", "metrics", "predictions", "scores", "copies")
"""Names of the checks of an entry, in their order."""
LATER = timedelta(days=1)
"""Largest difference of the clocks of two machines."""
COPIED = 0.5
"""Share of equal maps from which one entry is a copy of another: independent methods share none."""


@dataclass
class Finding:
    """Result of the checks of one entry.

    Attributes:
        key: Key of the entry.
        run: Name of the run.
        faults: Reasons to reject it, by check; a check that passed has none.
        absent: What is absent on this machine, so that the checks without a key in `faults` could not be made.
        hint: How to get it.
        notes: Remarks that are no reason to reject it.
    """

    key: str
    run: str
    faults: dict[str, list[str]] = field(default_factory=dict)
    absent: str = ""
    hint: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """Result of a verification.

    Attributes:
        path: The bundle.
        fault: Why it cannot be read; empty if it can.
        findings: Results of its entries.
        notes: Remarks on the bundles that it is compared with.
    """

    path: Path
    fault: str = ""
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def result(self) -> Literal["passed", "rejected", "not decided"]:
        """Rejected if there is a reason to, passed if all checks were made; otherwise not decided."""
        if self.fault or any(reasons for one in self.findings for reasons in one.faults.values()):
            return "rejected"
        return "not decided" if any(one.absent for one in self.findings) else "passed"


def verify(path: Path, registry: Registry, against: Sequence[Path] = (), located: Located | None = None) -> Verdict:
    """Verify a bundle.

    Args:
        path: The bundle.
        registry: Registry of datasets, metrics and methods.
        against: Bundles, or folders of bundles, whose entries it must not copy; the bundle itself is left out.
        located: Options of datasets that say where their files lie on this machine.

    Raises:
        DataError: The bundle, or one of `against`, does not exist.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist" if not path.exists() else f"{path} is a folder", "name a bundle")
    others, notes = _open_others(path, against)
    try:
        bundle = open_bundle(path)
    except FwibenchError as error:
        return Verdict(path, fault=error.message, notes=tuple(notes))
    if (created := bundle.manifest.moment) > datetime.now(UTC) + LATER:
        return Verdict(path, fault=f"{path} was written in the future: {created}", notes=tuple(notes))
    findings = tuple(_verify_entry(entry, bundle, others, registry, located or {}) for entry in bundle.entries)
    return Verdict(path, findings=findings, notes=tuple(notes))


def _open_others(path: Path, against: Sequence[Path]) -> tuple[list[Entry], list[str]]:
    """Return the entries of other bundles, and a note on each bundle that cannot be read."""
    entries: list[Entry] = []
    notes: list[str] = []
    for one in against:
        if not one.exists():
            raise DataError(f"{one} does not exist", "--against names a bundle, or a folder of bundles")
        for other in bundles_at(one):
            if not other.samefile(path):
                try:
                    entries += open_bundle(other).entries
                except FwibenchError as error:
                    notes.append(f"not compared with {other}: {error.message}")
    return entries, notes


def _verify_entry(
    entry: Entry, bundle: Bundle, others: Sequence[Entry], registry: Registry, located: Located
) -> Finding:
    found = Finding(entry.key, entry.record.run_id, notes=list(_notes(entry, registry)))
    found.faults["record"] = list(check_record(entry, registry))
    if without_paths(entry.record) != entry.record:
        # nothing is opened that a bundle names
        found.faults["record"].append("it names files of a machine: write it with fwibench bundle")
        return found
    found.faults["costs"] = list(check_costs(entry))
    specs = [offer.spec for offer in registry.metrics.values() if offer.spec.scores == "prediction"]
    if unknown := [name for name in entry.about.metrics if name not in {spec.name for spec in specs}]:
        found.absent = f"metric {', '.join(unknown)} is not installed"
        found.hint = "install its plugin, or bundle the run without it"
        return found
    found.faults["metrics"] = list(check_metrics(entry, specs))
    try:
        truth = open_truth(entry.record.cell, registry, located)
    except AbsentError as error:
        found.absent, found.hint = error.message, error.hint
        return found
    except FwibenchError as error:
        found.faults["samples"] = [error.message]
        return found
    found.faults["samples"] = list(check_samples(entry, truth))
    # two checks may need them, or none
    read = cache(entry.predictions)
    if not (found.faults["samples"] or found.faults["metrics"]):
        found.faults["predictions"] = list(check_predictions(entry, read(), truth))
        found.faults["scores"] = list(check_scores(entry, read(), truth, registry))
    found.faults["copies"] = list(_check_copies(entry, read, [*bundle.entries, *others], found.notes))
    return found


def _check_copies(entry: Entry, read: Callable[[], Maps], others: Iterable[Entry], notes: list[str]) -> Iterator[str]:
    """Compare an entry, whose maps `read` returns, with others of the same samples; a re-submission gets a note."""
    cell = entry.record.cell
    for other in others:
        if other is entry:
            continue
        if other.key == entry.key:
            notes.append(f"{other.path} holds an entry of the same key: this one replaces it")
            continue
        if not _same_task(cell, other.record.cell) or other.scores.ids != entry.scores.ids:
            continue
        if other.shape != entry.shape or _may_agree(cell, other.record.cell):
            continue
        same = count_same(read(), other.predictions(), (entry.about.scale, other.about.scale))
        if same >= COPIED * len(read()):
            yield f"{same} of {len(read())} maps are those of {other.record.run_id} in {other.path.name}"


def _same_task(one: Cell, other: Cell) -> bool:
    return (one.scored_on.fingerprint, one.scored_on.split) == (other.scored_on.fingerprint, other.scored_on.split)


def _may_agree(one: Cell, other: Cell) -> bool:
    """Whether two cells may have equal predictions: a method with another option or version, and the same seed."""
    return one.method == other.method and one.seed == other.seed


def _notes(entry: Entry, registry: Registry) -> Iterator[str]:
    cell = entry.record.cell
    if entry.about.left_out:
        yield f"without scores of {', '.join(entry.about.left_out)}, which its maps alone do not give"
    if cell.test_samples is not None:
        yield f"scored on {len(entry.scores.ids)} samples, of which the command asked for {cell.test_samples} at most"
    if cell.method not in registry.methods and not cell.external:
        yield f"{cell.method} is not installed: its kind and track are as stated"
