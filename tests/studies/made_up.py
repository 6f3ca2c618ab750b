"""Studies and their results, made up for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fwibench.boards.samples import Samples
from fwibench.methods.complexity import Complexity
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.record import Costs, Record
from fwibench.specs.study import Case, Claim, Quantity, StudySpec
from fwibench.studies.planning import PlannedCase, StudyPlan
from fwibench.studies.results import CaseResult, StudyResults
from tests.boards.records import builtin_columns

MAE = Quantity(key="mae")


def make_spec(cases: Sequence[Case], claims: Sequence[Claim] = (), **fields: Any) -> StudySpec:
    """A study of these cases."""
    values: dict[str, Any] = {"title": "A study", "summary": "made up", "quantities": (MAE,), **fields}
    return StudySpec(name="made-up", cases=tuple(cases), claims=tuple(claims), **values)


def make_case(row: str, **fields: Any) -> Case:
    """A case on salt."""
    return Case(row=row, **{"method": "mean-map", "dataset": "salt", **fields})


def make_record(seed: int, scores: Mapping[str, Any], **fields: Any) -> Record:
    """A finished record."""
    cell = Cell(
        method="mean-map",
        method_version="1",
        options={},
        dataset="salt",
        dataset_options={},
        fingerprint="f" * 64,
        split="random",
        seed=seed,
        profile="quick",
    )
    means = {name: float(np.mean(values)) for name, values in scores.items()}
    return Record(cell=cell, status="ok", source="synthetic", unit="m/s", scores=means, **fields)


def with_scores(case: Case, mae: Any, further: Mapping[str, Any] | None = None, **fields: Any) -> CaseResult:
    """The result of a case with these errors `(seeds, samples)`."""
    values = {"mae": np.atleast_2d(np.asarray(mae, float))}
    values |= {name: np.atleast_2d(np.asarray(scores, float)) for name, scores in (further or {}).items()}
    seeds, n = values["mae"].shape
    records = tuple(
        make_record(seed, {name: scores[seed] for name, scores in values.items()}, n_test=n, **fields)
        for seed in range(seeds)
    )
    samples = Samples(tuple(f"s-{number:03d}" for number in range(n)), values)
    return CaseResult(case, builtin_columns(), records, samples=samples)


def with_costs(case: Case, milliseconds: Sequence[float], parameters: int = 0) -> CaseResult:
    """The result of a case with a latency for each seed."""
    records = tuple(
        make_record(
            seed,
            {"mae": [1.0]},
            costs=Costs(predict_ms_cpu1=latency),
            complexity=Complexity(parameters=parameters, flops=2, macs=1, flops_kind="counted"),
        )
        for seed, latency in enumerate(milliseconds)
    )
    return CaseResult(case, builtin_columns(), records)


def make_results(spec: StudySpec, found: Sequence[CaseResult]) -> StudyResults:
    """Results of a study; cases without a result are gaps."""
    known = {one.case.place: one for one in found}
    cases = {
        case.place: known.get(case.place, CaseResult(case, builtin_columns(), gap="not run")) for case in spec.cases
    }
    plan = StudyPlan(spec, tuple(PlannedCase(case) for case in spec.cases), ())
    return StudyResults(plan, cases, [])
