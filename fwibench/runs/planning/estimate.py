"""Estimates of the time and the memory of planned cells.

A time rests on finished cells, scaled by the method's cost model where their size differs, or else on a probe; see
`fwibench.methods.costs`. Without either it stays empty.

Invariant: nothing is run and no heavy package is imported.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from fwibench.errors import FwibenchError
from fwibench.methods.costs import Case, CostModel, Sizes, Work, cost_model
from fwibench.plugins.isolation import describe
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.record import Record
from fwibench.runs.opening.datasets import build_dataset
from fwibench.runs.planning.plan import PlannedCell
from fwibench.specs.dataset_options import ON_READING
from fwibench.text.readable import counted

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset

FINISHED, PROBE, BUDGET = "finished cells", "probe", "budget of the fit"
SAME = 1e-9
"""Largest difference of the logarithms of two amounts of work that are the same."""


@dataclass(frozen=True)
class Estimate:
    """State, time and memory of a planned cell.

    Attributes:
        state: `finished`, `to run`, or `cannot run`.
        reason: Why the cell cannot run.
        seconds: Expected duration [s]; None for a cell that will not run, or where nothing is known.
        basis: What the duration rests on: `finished cells`, `scaled from a cell with N samples`, `probe`, or `budget of
            the fit` where nothing else is known of the cell.
        memory: Expected memory of the cell's largest process [bytes]; None if it is not known.
        measured: Whether `memory` was measured by finished cells of the same size; else it is a lower bound.
        fault: Why the method's cost model could not be used.
    """

    state: str
    reason: str = ""
    seconds: float | None = None
    basis: str = ""
    memory: float | None = None
    measured: bool = False
    fault: str = ""


@dataclass(frozen=True)
class ProbedCell:
    """Result of a probe, for the cells of its group.

    Attributes:
        case: The case that was probed.
        seconds: Times of its fit and its prediction [s].
        rest: Time of everything else [s], such as starting processes and scoring.
    """

    case: Case
    seconds: Work
    rest: float


def group_of(planned: PlannedCell, model: CostModel) -> tuple[str, ...]:
    """Return what cells have in common whose times a cost model converts into each other."""
    options = {name: value for name, value in planned.cell.options.items() if name not in model.free}
    problem = planned.method_dataset.problem.model_dump_json()
    return planned.cell.method, planned.cell.method_version, repr(sorted(options.items(), key=str)), problem


@dataclass
class Estimator:
    """Estimates cells from finished ones and from probes.

    Attributes:
        registry: Registry of methods and datasets.
        finished: Records of finished cells; others are ignored.
        device: Requested device; times of other devices do not count.
        probed: Results of probes by `group_of`.
    """

    registry: Registry
    finished: Sequence[Record]
    device: str = "auto"
    probed: Mapping[tuple[str, ...], ProbedCell] = field(default_factory=dict)
    _problems: dict[str, Any] = field(default_factory=dict)
    _sizes: dict[tuple[str, str], Sizes] = field(default_factory=dict)
    _estimates: dict[str, Estimate] = field(default_factory=dict)

    def estimate(self, planned: PlannedCell) -> Estimate:
        """Return the estimate of a cell; cells that differ in their seed have the same one."""
        if planned.cached:
            return Estimate("finished")
        if planned.skip:
            return Estimate("cannot run", planned.skip)
        key = planned.cell.model_copy(update={"seed": 0, "base": "", "members": (), "model": ""}).model_dump_json()
        if key not in self._estimates:
            self._estimates[key] = self._estimate(planned)
        return self._estimates[key]

    def use(self, probed: Mapping[tuple[str, ...], ProbedCell]) -> None:
        """Use results of probes, by `group_of`, from now on."""
        self.probed = probed
        self._estimates.clear()

    def _estimate(self, planned: PlannedCell) -> Estimate:
        found = Estimate("to run")
        try:
            model, case = self.model(planned), self.case(planned)
            found = self._with_memory(found, planned, model, case)
            found = self._from_finished(found, planned, model, case) or self._from_probe(found, planned, model, case)
            if found.seconds is None and (budget := self._budget(planned.cell)) is not None:
                return replace(found, seconds=budget, basis=BUDGET)
            return found
        except (Exception, SystemExit) as error:
            # the cost model is code of a plugin
            return replace(found, fault=f"cost model of {planned.cell.method}: {describe(error)}")

    def model(self, planned: PlannedCell) -> CostModel:
        """Return the cost model of a cell's method."""
        return cost_model(self.registry.method(planned.cell.method).spec)

    def case(self, planned: PlannedCell) -> Case:
        """Return the case of a planned cell."""
        cell, dataset = planned.cell, planned.method_dataset
        sizes = self._sizes_of(dataset, cell.split)
        sizes = sizes._replace(test=self._sizes_of(planned.dataset, cell.scored_on.split).test)
        if cell.test_samples is not None:
            sizes = sizes._replace(test=min(sizes.test, cell.test_samples))
        return Case(dataset.measured_problem, self._options(cell), sizes)

    def _sizes_of(self, dataset: Dataset, split: str) -> Sizes:
        key = dataset.fingerprint, split
        if key not in self._sizes:
            indices = dataset.selected(split)
            self._sizes[key] = Sizes(*(len(indices[name]) for name in Sizes._fields))
        return self._sizes[key]

    def _options(self, cell: Cell) -> Any:
        return self.registry.method(cell.method).spec.options.model_validate(cell.options)

    @cached_property
    def _usable(self) -> list[Record]:
        kind = self.device.partition(":")[0]
        return [
            record
            for record in self.finished
            if record.status == "ok"
            and record.wall_s
            and record.costs.predict_s is not None
            and (kind == "auto" or record.device.startswith(kind))
        ]

    def _from_finished(self, found: Estimate, planned: PlannedCell, model: CostModel, case: Case) -> Estimate | None:
        """Return the mean of the finished cells that are closest in time; None without any."""
        # a transferred cell fits nothing, so its times say nothing about other cells
        groups = [[record for record in self._usable if bool(record.cell.model) == kind] for kind in (True, False)]
        for records in groups if planned.cell.model else groups[1:]:
            if estimate := self._from_records(records, found, planned, model, case):
                return estimate
        return None

    def _from_records(
        self, records: Sequence[Record], found: Estimate, planned: PlannedCell, model: CostModel, case: Case
    ) -> Estimate | None:
        near: list[tuple[float, float, str]] = []
        for record in records:
            known = self._known(record, planned, model)
            if known is None or not record.wall_s:
                continue
            took = Work(record.costs.fit_s or 0.0, record.costs.predict_s or 0.0)
            rest = max(record.wall_s - sum(took), 0.0)
            scaled = self._within_budget(model.scaled(took, known, case, record.history), planned)
            if planned.cell.model:
                took, scaled = took._replace(fit=0.0), scaled._replace(fit=0.0)
            seconds = sum(scaled) + rest
            if seconds > 0:
                distance = abs(math.log(seconds / (sum(took) + rest)))
                near.append((distance, seconds, self._basis(record, planned, model, (known, case))))
        if not near:
            return None
        closest = min(near)
        alike = [
            seconds for distance, seconds, basis in near if abs(distance - closest[0]) < SAME and basis == closest[2]
        ]
        return replace(found, seconds=fmean(alike), basis=closest[2])

    def _known(self, record: Record, planned: PlannedCell, model: CostModel) -> Case | None:
        """Return the case of a finished cell; None if it cannot be compared with the planned one."""
        cell, other = planned.cell, record.cell
        if (cell.method, cell.method_version, cell.plugin) != (other.method, other.method_version, other.plugin):
            return None
        if record.n_train is None or record.n_test is None:
            return None
        if self._budget(other) is not None and self._budget(cell) is None:
            return None
        try:
            options = self._options(other)
        except ValidationError:
            return None
        ours = self._options(cell)
        if any(getattr(ours, name) != getattr(options, name) for name in type(ours).model_fields.keys() - model.free):
            return None
        problem = planned.method_dataset.measured_problem if _same_samples(cell, other) else self._problem(other, model)
        if problem is None:
            return None
        return Case(problem, options, Sizes(record.n_train, record.n_val or 0, record.n_test))

    def _budget(self, cell: Cell) -> float | None:
        """Return the time budget that sets the length of a cell's fit [s]; None where its options do."""
        return cell.budget if self.registry.method(cell.method).spec.trains else None

    def _within_budget(self, times: Work, planned: PlannedCell) -> Work:
        budget = self._budget(planned.cell)
        return times if budget is None else times._replace(fit=budget)

    def _problem(self, cell: Cell, model: CostModel) -> Any:
        """Return the problem of another dataset; None if the cost model compares no problems, or it cannot be built."""
        if not model.any_problem:
            return None
        if cell.fingerprint not in self._problems:
            try:
                dataset = build_dataset(self.registry, cell.fitted_on, cell.profile)
                self._problems[cell.fingerprint] = dataset.measured_problem
            except FwibenchError:
                self._problems[cell.fingerprint] = None
        return self._problems[cell.fingerprint]

    def _basis(self, record: Record, planned: PlannedCell, model: CostModel, cases: tuple[Case, Case]) -> str:
        known, case = cases
        same = _same_samples(planned.cell, record.cell)
        if same and all(math.isclose(a, b) for a, b in zip(model.work(known), model.work(case), strict=True)):
            return FINISHED
        learns = self.registry.method(record.cell.method).spec.learns(record.cell.options)
        samples = counted(known.sizes.train if learns else known.sizes.test, "sample")
        return f"scaled from a cell {'' if same else f'on {record.cell.dataset} '}with {samples}"

    def _from_probe(self, found: Estimate, planned: PlannedCell, model: CostModel, case: Case) -> Estimate:
        probed = self.probed.get(group_of(planned, model)) if self.probed else None
        if probed is None:
            return found
        scaled = self._within_budget(model.scaled(probed.seconds, probed.case, case, []), planned)
        if planned.cell.model:
            scaled = scaled._replace(fit=0.0)
        return replace(found, seconds=sum(scaled) + probed.rest, basis=PROBE)

    def _with_memory(self, found: Estimate, planned: PlannedCell, model: CostModel, case: Case) -> Estimate:
        """Return the estimate with the largest memory of finished cells of the same size, or a lower bound."""
        peaks = [
            record.costs.peak_memory_mb
            for record in self._usable
            if record.costs.peak_memory_mb is not None
            and record.cell.fingerprint == planned.cell.fingerprint
            and bool(record.cell.model) == bool(planned.cell.model)
            and self._known(record, planned, model) is not None
            and record.cell.options.get("batch_size") == planned.cell.options.get("batch_size")
        ]
        if peaks:
            return replace(found, memory=max(peaks) * 2**20, measured=True)
        # the cost model counts what a fit holds
        return found if planned.cell.model else replace(found, memory=model.memory(case))


def _same_samples(cell: Cell, other: Cell) -> bool:
    """Return whether the samples of two cells have the same shapes and physics: those of one dataset."""
    options, others = (
        {name: value for name, value in one.dataset_options.items() if name not in ON_READING} for one in (cell, other)
    )
    return cell.dataset == other.dataset and options == others


@dataclass(frozen=True)
class Whole:
    """Duration of a plan.

    Attributes:
        seconds: Duration of the data and of all cells whose time is known [s]; a lower bound if `unknown` is not 0.
        unknown: Number of cells and of datasets to prepare whose time is not known.
    """

    seconds: float
    unknown: int


def whole(cells: Sequence[tuple[PlannedCell, Estimate]], slots: int = 1, data: Iterable[float | None] = ()) -> Whole:
    """Return the duration of a plan whose cells run side by side.

    Datasets are prepared first, one after the other, since each takes all cores. Then every slot takes the first cell
    of the plan that can start: one that needs another cell starts when that one has ended. The times are those of
    cells that run alone, so slots that share cores take longer than this.

    Args:
        cells: Cells in the order of the plan, which has a cell after the ones it needs.
        slots: Number of cells that run at the same time.
        data: Time of each dataset to prepare [s]; None where it is not known.

    Returns:
        The duration.
    """
    times = list(data)
    start = sum(seconds or 0.0 for seconds in times)
    waiting = [(planned, found.seconds) for planned, found in cells if found.state == "to run"]
    unknown = sum(seconds is None for seconds in (*times, *(seconds for _, seconds in waiting)))
    # ends of cells that are part of this plan: a run that has finished before is ready at once
    ends = {planned.cell.run_id: math.inf for planned, _ in waiting}
    free, last = [start] * max(slots, 1), start

    def ready(item: tuple[PlannedCell, float | None]) -> float:
        return max((ends.get(run, start) for run in item[0].cell.needed_runs), default=start)

    while waiting:
        now = heapq.heappop(free)
        chosen = next((item for item in waiting if ready(item) <= now), None) or min(waiting, key=ready)
        waiting.remove(chosen)
        end = max(now, ready(chosen)) + (chosen[1] or 0.0)
        ends[chosen[0].cell.run_id] = end
        heapq.heappush(free, end)
        last = max(last, end)
    return Whole(last, unknown)
