"""Checks that every study must pass. Nothing is run: its cells are planned with profile quick."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from fwibench.boards.columns import columns_of
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.results import Results
from fwibench.runs.planning.request import Request
from fwibench.specs.study import StudySpec
from fwibench.studies.claims import judge
from fwibench.studies.planning import StudyPlan, plan_studies
from fwibench.studies.results import DIAGNOSTICS, read_results
from fwibench.studies.tables import make_tables
from fwibench.testing.checks import as_checks, require
from fwibench.testing.specs import entry_module_is_light


class StudySubject:
    """A study under test.

    Args:
        spec: Spec of the study.
        registry: Registry of the methods and datasets that it names.
        entry: Name of the module with the plugin's hooks; empty if no plugin offers the study.
    """

    def __init__(self, spec: StudySpec, registry: Registry, entry: str = "") -> None:
        self.spec, self.registry, self.entry = spec, registry, entry

    @cached_property
    def plan(self) -> StudyPlan:
        """Its cells, with profile quick and an empty results folder."""
        with TemporaryDirectory() as folder:
            request = Request(methods=(), datasets=(), profile="quick", results=Path(folder))
            return plan_studies([self.spec], request, self.registry)[0]


def cases_can_be_planned(subject: StudySubject) -> None:
    """Methods, datasets, options, splits and metrics of all cases exist."""
    for one in subject.plan.cases:
        place = " / ".join(filter(None, one.case.place))
        require(not one.reason, f"{place} cannot be planned: {one.reason}")
    skipped = [one for one in subject.plan.cells if one.skip]
    require(not skipped, f"{skipped[0].cell.run_id} would be skipped: {skipped[0].skip}" if skipped else "")


def quantities_are_known(subject: StudySubject) -> None:
    """Every quantity is a column of the leaderboard or a number that methods report."""
    columns = columns_of(subject.registry)
    keys = {quantity.key for quantity in subject.spec.quantities}
    for case in subject.spec.cases:
        require(set(case.reads) <= keys, f"{case.row} reads {', '.join({*case.reads} - keys)}, which is no quantity")
        for key in keys:
            read = case.reads.get(key, key)
            known = read.startswith(DIAGNOSTICS) or read in columns.by_key
            require(known, f"{case.row} reads '{read}', which is no column of the leaderboard")


def nothing_is_claimed_without_results(subject: StudySubject) -> None:
    """Before anything is run, tables have gaps for all cases and no claim holds or does not hold."""
    with TemporaryDirectory() as folder:
        empty = read_results(subject.plan, Results(Path(folder)), columns_of(subject.registry))
    require(len(empty.gaps) == len(subject.plan.cases), "a case without results has no gap")
    require(bool(make_tables(empty)), "there is no table")
    decided = [one.claim.text for one in judge(empty) if one.outcome != "cannot be told"]
    require(not decided, f"the claim '{decided[0]}' is decided without results" if decided else "")


STUDY_CHECKS = as_checks(
    entry_module_is_light, cases_can_be_planned, quantities_are_known, nothing_is_claimed_without_results
)
