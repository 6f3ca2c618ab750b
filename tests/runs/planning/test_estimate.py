"""Estimates of cells: what they rest on, and how they follow from recorded times."""

import math
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fwibench.methods.costs import Case, CostModel, Sizes, Work, cost_model, epochs_of
from fwibench.plugins.registry import Registry, load_registry
from fwibench.runs.artefacts.record import Costs, Record
from fwibench.runs.planning.estimate import BUDGET, FINISHED, PROBE, Estimate, Estimator, ProbedCell, group_of, whole
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import PlannedCell, make_plan

MINE = """
    from fwibench import Frozen, MethodSpec, hookimpl

    class Options(Frozen):
        depth: int = 1

    @hookimpl
    def fwibench_methods():
        common = {"summary": "x", "target": "absent:Absent", "kind": "learned", "options": Options}
        return [MethodSpec(name="silent", **common), MethodSpec(name="wrong", costs="absent:Costs", **common)]
"""
Planner = Callable[..., list[PlannedCell]]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / f"mine_{tmp_path.name}.py").write_text(textwrap.dedent(MINE))
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(tmp_path / "plugins"))
    return load_registry()


@pytest.fixture
def planner(own: Registry, tmp_path: Path) -> Planner:
    def plan(methods: str, dataset: str = "salt", **others: Any) -> list[PlannedCell]:
        return make_plan(read_request(own, methods, dataset, results=tmp_path / "results", **others), own)

    return plan


def finished(own: Registry, planned: PlannedCell, **changes: Any) -> Record:
    """Return the record of a planned cell that took 100 s to fit, 20 s to predict and 10 s for everything else."""
    sizes = Estimator(own, []).case(planned).sizes
    values = {"status": "ok", "wall_s": 130.0, "device": "cpu", "costs": Costs(fit_s=100.0, predict_s=20.0)}
    counts = {"n_train": sizes.train, "n_val": sizes.val, "n_test": sizes.test}
    return Record(cell=planned.cell, **{**values, **counts, **changes})


def test_equal_cells_give_the_mean_of_their_times(own: Registry, planner: Planner) -> None:
    first, second, planned = planner("invlint", profile="smoke", seeds=3)
    records = [finished(own, first, wall_s=130.0), finished(own, second, wall_s=150.0)]
    found = Estimator(own, records).estimate(planned)
    assert (found.state, found.basis) == ("to run", FINISHED)
    assert found.seconds == pytest.approx(140.0)


@pytest.mark.parametrize(("method", "encodes"), [("inversionnet", False), ("invlint", True)])
def test_training_scales_with_epochs_and_samples(own: Registry, planner: Planner, method: str, encodes: bool) -> None:
    (small,) = planner(method, profile="smoke")
    (large,) = planner(method, profile="paper")
    estimator = Estimator(own, [])
    before, after = estimator.case(small), estimator.case(large)
    history = [{"seconds": seconds} for seconds in (30.0, 10.0, 10.0, 10.0)]
    found = Estimator(own, [finished(own, small, history=history)]).estimate(large)
    assert found.basis == f"scaled from a cell with {before.sizes.train} samples"
    passes = [epochs_of(case) * (case.sizes.train + case.sizes.val / 3) for case in (before, after)]
    once = 40.0 * (after.sizes.train / before.sizes.train if encodes else 1.0)
    fit = 40.0 * passes[1] / passes[0] + 20.0 + once
    assert found.seconds == pytest.approx(fit + 20.0 * after.sizes.test / before.sizes.test + 10.0)


def test_max_batches_limits_the_epochs(planner: Planner, own: Registry) -> None:
    (planned,) = planner("inversionnet[epochs=120,max_batches=30,batch_size=10]", profile="paper")
    case = Estimator(own, []).case(planned)
    assert epochs_of(case) == math.ceil(30 / math.ceil(case.sizes.train / 10))


def test_transferred_cell_takes_no_time_to_fit(own: Registry, planner: Planner) -> None:
    base, planned = planner("invlint", test_on="salt[snr=10]", profile="smoke")
    estimator = Estimator(own, [finished(own, base)])
    found = estimator.estimate(planned)
    assert (found.state, found.basis) == ("to run", FINISHED)
    assert found.seconds == pytest.approx(20.0 + 10.0)
    assert found.memory is None, "what a fit holds is not what a prediction needs"
    case = estimator.case(planned)
    probed = ProbedCell(case, Work(100.0, 7.0), 3.0)
    by_probe = Estimator(own, [], probed={group_of(planned, estimator.model(planned)): probed})
    assert by_probe.estimate(planned).seconds == pytest.approx(7.0 + 3.0)
    assert by_probe.estimate(base).seconds == pytest.approx(110.0), "both have one probe"


def test_times_of_transferred_cells_are_used_for_such_cells_alone(own: Registry, planner: Planner) -> None:
    base, planned = planner("invlint", test_on="salt[snr=10]", profile="smoke")
    costs = Costs(predict_s=2.0, peak_memory_mb=50.0)
    known = finished(own, planned, wall_s=5.0, costs=costs)
    estimator = Estimator(own, [finished(own, base), known])
    assert estimator.estimate(planned).seconds == pytest.approx(5.0)
    assert estimator.estimate(planned).memory == 50.0 * 2**20
    assert estimator.estimate(base).seconds == pytest.approx(130.0)
    assert Estimator(own, [known]).estimate(base).seconds is None


def test_plan_waits_for_the_run_whose_model_is_applied(planner: Planner) -> None:
    base, planned = planner("invlint", test_on="salt[snr=10]", profile="smoke")
    cells = [(base, Estimate("to run", seconds=10.0)), (planned, Estimate("to run", seconds=3.0))]
    assert whole(cells, slots=2).seconds == 13.0
    assert whole(cells[1:], slots=2).seconds == 3.0


def test_options_that_change_the_network_give_no_estimate(own: Registry, planner: Planner) -> None:
    (known,) = planner("invlint", profile="smoke")
    faster, deeper = planner("invlint[learning_rate=0.1],invlint[layers=3]", profile="smoke")
    estimator = Estimator(own, [finished(own, known)])
    assert estimator.estimate(faster).basis == FINISHED
    assert estimator.estimate(deeper) == Estimate("to run")


def test_method_without_model_scales_with_samples(own: Registry, planner: Planner) -> None:
    (small,) = planner("silent", profile="smoke")
    large, other = planner("silent,silent[depth=2]", profile="paper")
    estimator = Estimator(own, [finished(own, small)])
    before, after = (estimator.case(one).sizes for one in (small, large))
    found = estimator.estimate(large)
    expected = 100.0 * after.train / before.train + 20.0 * after.test / before.test + 10.0
    assert found.seconds == pytest.approx(expected)
    assert estimator.estimate(other).seconds is None


def test_broken_cost_model_is_named_and_gives_no_estimate(own: Registry, planner: Planner) -> None:
    (planned,) = planner("wrong", profile="smoke")
    found = Estimator(own, [finished(own, planned)]).estimate(planned)
    assert (found.state, found.seconds) == ("to run", None)
    assert "cost model of wrong" in found.fault
    assert "absent:Costs" in found.fault


@pytest.mark.parametrize(
    "changes",
    [{"status": "failed"}, {"wall_s": None}, {"costs": Costs(fit_s=1.0)}, {"device": "cuda"}, {"n_train": None}],
    ids=lambda changes: next(iter(changes)),
)
def test_records_without_comparable_times_are_ignored(own: Registry, planner: Planner, changes: dict[str, Any]) -> None:
    (planned,) = planner("silent", profile="smoke")
    assert Estimator(own, [finished(own, planned, **changes)], "cpu").estimate(planned) == Estimate("to run")


def test_closest_cell_is_scaled(own: Registry, planner: Planner) -> None:
    (small,), (medium,), (large,) = (
        planner("silent", "marmousi", profile=name) for name in ("smoke", "quick", "paper")
    )
    estimator = Estimator(own, [finished(own, small), finished(own, medium)])
    samples = estimator.case(medium).sizes.train
    assert estimator.estimate(large).basis == f"scaled from a cell with {samples} samples"


def test_inversion_scales_from_another_dataset(own: Registry, planner: Planner) -> None:
    (known,) = planner("multiscale-fwi", profile="smoke")
    (planned,) = planner("multiscale-fwi", "marmousi", profile="smoke")
    estimator = Estimator(own, [finished(own, known)])
    before, after = estimator.case(known), estimator.case(planned)
    model = estimator.model(planned)
    found = estimator.estimate(planned)
    ratio = model.work(after).predict / model.work(before).predict
    assert found.basis == f"scaled from a cell on salt with {before.sizes.train} samples"
    train = after.sizes.train / before.sizes.train
    assert found.seconds == pytest.approx(100.0 * train + 20.0 * ratio + 10.0)


def test_measured_memory_takes_precedence_over_a_bound(own: Registry, planner: Planner) -> None:
    (planned,) = planner("pixel-ridge", profile="smoke")
    bound = Estimator(own, []).estimate(planned)
    assert bound.memory is not None
    assert not bound.measured
    costs = Costs(fit_s=1.0, predict_s=1.0, peak_memory_mb=700.0)
    measured = Estimator(own, [finished(own, planned, costs=costs)]).estimate(planned)
    assert (measured.memory, measured.measured) == (700.0 * 2**20, True)


def test_finished_and_impossible_cells_have_no_time(own: Registry, planner: Planner) -> None:
    (planned,) = planner("multiscale-fwi", "kimberlina-reservoir", profile="smoke")
    assert Estimator(own, []).estimate(planned) == Estimate("cannot run", planned.skip)
    (cached,) = planner("mean-map", profile="smoke")
    cached.cached = finished(own, cached)
    assert Estimator(own, []).estimate(cached) == Estimate("finished")


def test_probe_serves_cells_of_its_group(own: Registry, planner: Planner) -> None:
    first, second, other = planner("invlint[epochs=10],invlint[epochs=20],invlint[layers=3]", profile="paper")
    estimator = Estimator(own, [])
    probed = ProbedCell(estimator.case(first), Work(10.0, 1.0), 5.0)
    estimator.use({group_of(first, estimator.model(first)): probed})
    assert [estimator.estimate(one).seconds for one in (first, second, other)] == [16.0, 26.0, None]
    assert estimator.estimate(second).basis == PROBE


def grown(case: Case) -> list[Case]:
    """Return the case with more train samples and with more test samples."""
    train, val, test = case.sizes
    return [
        Case(case.problem, case.options, sizes) for sizes in (Sizes(2 * train, val, test), Sizes(train, val, 2 * test))
    ]


def test_work_grows_with_samples(own: Registry, planner: Planner) -> None:
    estimator, names = Estimator(own, []), ",".join(own.methods)
    # a floor of batches, as in the profile paper, makes the work of small datasets equal
    for planned in planner(names, profile="smoke"):
        if planned.cell.method == "wrong":
            continue
        case, model = estimator.case(planned), estimator.model(planned)
        more_train, more_test = grown(case)
        assert model.work(more_train).fit > model.work(case).fit, planned.cell.method
        assert model.work(more_test).predict > model.work(case).predict, planned.cell.method


@pytest.mark.parametrize("option", ["iterations=600", "warp=50", "shots=4"])
def test_work_of_inversions_grows_with_iterations_and_shots(own: Registry, planner: Planner, option: str) -> None:
    one, more = planner(f"multiscale-fwi,multiscale-fwi[{option}]")
    estimator = Estimator(own, [])
    model = estimator.model(one)
    assert model.work(estimator.case(more)).predict > model.work(estimator.case(one)).predict


def test_spec_without_options_of_training_has_the_plain_model(own: Registry) -> None:
    assert type(cost_model(own.method("silent").spec)) is CostModel
    assert type(cost_model(own.method("inversionnet").spec)).__name__ == "TrainingCosts"


def timed(planner: Planner, seconds: list[float | None]) -> list[tuple[PlannedCell, Estimate]]:
    cells = planner("silent", profile="smoke", seeds=len(seconds))
    return [(one, Estimate("to run", seconds=time)) for one, time in zip(cells, seconds, strict=True)]


def test_whole_adds_cells_and_data(planner: Planner) -> None:
    cells = timed(planner, [3.0, 4.0, 5.0])
    assert whole(cells, 1, [10.0]).seconds == 22.0
    assert whole(cells, 2, [10.0]).seconds == 18.0
    assert whole(cells, 9, [10.0]).seconds == 15.0
    assert whole([], 2).seconds == 0.0


def test_whole_counts_unknown_times(planner: Planner) -> None:
    found = whole(timed(planner, [3.0, None]), 1, [None, 1.0])
    assert (found.seconds, found.unknown) == (4.0, 2)


def test_whole_leaves_out_cells_that_do_not_run(planner: Planner) -> None:
    (first, _), *others = timed(planner, [3.0, 4.0])
    assert whole([(first, Estimate("finished")), *others]).seconds == 4.0


def test_hybrid_starts_after_the_cell_it_builds_on(planner: Planner) -> None:
    base, hybrid = planner("refine", profile="smoke")
    (alone,) = planner("silent", profile="smoke")
    cells = [(base, 5.0), (hybrid, 2.0), (alone, 6.0)]
    estimates = [(one, Estimate("to run", seconds=seconds)) for one, seconds in cells]
    assert whole(estimates, 1).seconds == 13.0
    assert whole(estimates, 2).seconds == 7.0
    assert whole(estimates[1:], 1).seconds == 8.0, "a base that has finished before is not waited for"


def test_fit_with_a_time_budget_takes_the_budget(own: Registry, planner: Planner) -> None:
    (plain,), (planned,) = planner("invlint", profile="smoke"), planner("invlint", profile="smoke", budget=40.0)
    assert Estimator(own, []).estimate(planned) == Estimate("to run", seconds=40.0, basis=BUDGET)
    found = Estimator(own, [finished(own, plain)]).estimate(planned)
    assert (found.seconds, found.basis) == (pytest.approx(40.0 + 20.0 + 10.0), FINISHED)
    model = cost_model(own.method("invlint").spec)
    case = Estimator(own, []).case(planned)
    probed = {group_of(planned, model): ProbedCell(case, Work(100.0, 2.0), 3.0)}
    found = Estimator(own, [], probed=probed).estimate(planned)
    assert (found.seconds, found.basis) == (pytest.approx(40.0 + 2.0 + 3.0), PROBE)


def test_cell_with_a_time_budget_tells_nothing_of_one_without(own: Registry, planner: Planner) -> None:
    (plain,), (budgeted,) = planner("invlint", profile="smoke"), planner("invlint", profile="smoke", budget=40.0)
    assert Estimator(own, [finished(own, budgeted)]).estimate(plain) == Estimate("to run")
    (plain,), (budgeted,) = planner("silent", profile="smoke"), planner("silent", profile="smoke", budget=40.0)
    found = Estimator(own, [finished(own, budgeted)]).estimate(plain)
    assert found.seconds == pytest.approx(130.0), "it ignores the budget"
