"""The cells of a study.

Invariant: a study's cells are ordinary cells of ordinary requests, so a cell that is finished for one study, or for no
study at all, is not run again for another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fwibench.errors import FwibenchError, UnknownNameError
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.planning.grammar import parse_one, read_one
from fwibench.runs.planning.plan import PlannedCell, configurable_methods, make_plan
from fwibench.runs.planning.request import Request
from fwibench.specs.study import Case, StudySpec


@dataclass(frozen=True)
class PlannedCase:
    """A case and its cells.

    Attributes:
        case: The case.
        cells: One for each repetition; empty if it cannot be planned.
        reason: Why it cannot be planned; empty if it can.
    """

    case: Case
    cells: tuple[Cell, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class StudyPlan:
    """The selected cases of a study, and their cells.

    Attributes:
        study: The study.
        cases: The cases, in the order of the study.
        cells: All cells in the order of execution, each once; those that others build on are among them.
    """

    study: StudySpec
    cases: tuple[PlannedCase, ...]
    cells: tuple[PlannedCell, ...] = field(repr=False)


def find_studies(registry: Registry, name: str) -> list[StudySpec]:
    """Return the study of a name, or all studies of a collection.

    Args:
        registry: Registry of the studies.
        name: Name of a study or collection.

    Raises:
        UnknownNameError: There is neither.
    """
    if name in registry.studies:
        return [registry.studies[name].spec]
    specs = [offer.spec for offer in registry.studies.values()]
    if found := [spec for spec in specs if spec.collection == name]:
        return found
    known = dict.fromkeys([*registry.studies, *filter(None, (spec.collection for spec in specs))])
    raise UnknownNameError.among("study", name, known, registry.absent())


def plan_studies(
    studies: Iterable[StudySpec],
    request: Request,
    registry: Registry,
    datasets: Sequence[str] = (),
    seeds: int | None = None,
) -> list[StudyPlan]:
    """Plan the cells of studies.

    Args:
        studies: The studies.
        request: What all cells have in common, such as profile, device and results folder; it selects no methods.
        registry: Registry of methods, datasets and metrics.
        datasets: Names of datasets without options, of which a case may name no other; empty for all cases.
        seeds: Number of repetitions; None for that of each study's profile.

    Returns:
        A plan for each study that has a case on the datasets.

    Raises:
        UnknownNameError: A dataset is in none of the studies.
    """
    chosen = list(studies)
    known = {name for study in chosen for case in study.cases for name in datasets_of(case)}
    for name in datasets:
        if name not in known:
            raise UnknownNameError.among("dataset of the study", name, known)
    plans = []
    for study in chosen:
        every = study.cases_of(request.profile)
        cases = [case for case in every if not datasets or set(datasets_of(case)) <= {*datasets}]
        if cases:
            plans.append(_plan(study, cases, request, registry, seeds))
    return plans


def datasets_of(case: Case) -> Iterator[str]:
    """Yield the names, without options, of the datasets that a case trains and tests on."""
    for text in filter(None, (case.dataset, case.test_on)):
        yield parse_one("dataset", text).name


def all_cells(plans: Iterable[StudyPlan]) -> list[PlannedCell]:
    """Return the cells of several studies in the order of execution, each once."""
    found: dict[str, PlannedCell] = {}
    for plan in plans:
        for one in plan.cells:
            found.setdefault(one.cell.key, one)
    return list(found.values())


def _plan(
    study: StudySpec, cases: Sequence[Case], request: Request, registry: Registry, seeds: int | None
) -> StudyPlan:
    found: dict[str, PlannedCell] = {}
    planned = []
    for case in cases:
        try:
            cells = make_plan(_request_of(study, case, request, registry, seeds), registry)
        except FwibenchError as error:
            planned.append(PlannedCase(case, reason=error.message))
            continue
        for one in cells:
            found.setdefault(one.cell.key, one)
        # cells that these build on come first
        last = cells[-1].cell
        own = (one.cell for one in cells if (one.cell.method, one.cell.tested_on) == (last.method, last.tested_on))
        planned.append(PlannedCase(case, tuple(own)))
    return StudyPlan(study, tuple(planned), tuple(found.values()))


def _request_of(study: StudySpec, case: Case, request: Request, registry: Registry, seeds: int | None) -> Request:
    """The request of a case: one method on one dataset."""
    effort = study.effort(request.profile)
    values: dict[str, Any] = {
        "methods": (read_one(registry, "method", case.method),),
        "datasets": (read_one(registry, "dataset", case.dataset),),
        "split": case.split,
        "seeds": seeds or effort.seeds,
        "test_samples": case.test_samples or effort.test_samples,
        "metrics": tuple(dict.fromkeys((*request.metrics, *study.metrics))),
    }
    if case.test_on:
        values["test_on"] = (read_one(registry, "dataset", case.test_on),)
    if budget := case.budget or effort.budget:
        values["budget"] = budget
    chosen = replace(request, **values)
    here = effort.settings_on.get(chosen.datasets[0].name, {})
    settings = {
        name: {**effort.settings.get(name, {}), **here.get(name, {})} for name in configurable_methods(chosen, registry)
    }
    return replace(chosen, settings={name: options for name, options in settings.items() if options})
