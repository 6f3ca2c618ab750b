"""Planned transfers of fitted models to other datasets, and reasons why some cannot be made."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.planning.disk import datasets_to_prepare
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import PlannedCell, make_plan
from fwibench.runs.planning.transfers import differing_problems, transfer_refusal


@pytest.fixture
def plan(registry: Registry, tmp_path: Path) -> Any:
    def make(methods: str, dataset: str, test_on: str | None, **others: Any) -> list[PlannedCell]:
        values = {"profile": "smoke", "results": tmp_path, **others}
        return make_plan(read_request(registry, methods, dataset, test_on=test_on, **values), registry)

    return make


def test_each_cell_is_followed_by_its_transfers(plan: Any) -> None:
    planned = plan("mean-map,inversionnet", "flatvel-a", "curvevel-a,style-b", seeds=2)
    shown = [(one.cell.method, one.cell.seed, one.cell.scored_on.dataset) for one in planned]
    there = ("curvevel-a", "style-b")
    assert shown == [
        ("mean-map", 0, "flatvel-a"),
        *(("mean-map", 0, name) for name in there),
        *(("inversionnet", seed, "flatvel-a") for seed in (0, 1)),
        *(("inversionnet", seed, name) for seed in (0, 1) for name in there),
    ]
    runs = {one.cell.seed: one.cell.run_id for one in planned[3:5]}
    for one in planned[5:]:
        assert one.cell.model == runs[one.cell.seed]
        assert one.cell.needed_runs == (one.cell.model,)
        assert one.cell.dataset == one.method_dataset.spec.name == "flatvel-a"
        assert one.dataset.spec.name == one.cell.scored_on.dataset
        assert one.dataset.fingerprint == one.cell.scored_on.fingerprint
        assert one.cell.run_id.startswith(f"flatvel-a-to-{one.cell.scored_on.dataset}-random-smoke-inversionnet-s")
    assert len({one.cell.key for one in planned}) == len(planned)
    assert {one.spec.name for one in datasets_to_prepare(planned)} == {"flatvel-a", *there}


def test_grid_of_variants_is_tested_with_one_model(plan: Any) -> None:
    base, *tested = plan("mean-map", "salt", "salt[snr=10|20,noisy=test],salt")
    assert [one.cell.scored_on.variant for one in tested] == [
        "salt[noisy=test,snr=10.0]",
        "salt[noisy=test,snr=20.0]",
    ]
    assert {one.cell.model for one in tested} == {base.cell.run_id}


def test_scheme_is_that_of_the_base_where_it_exists(plan: Any) -> None:
    _, same = plan("mean-map", "salt", "salt[snr=10]", split="block")
    assert same.cell.scored_on.split == "block"
    _, other = plan("mean-map", "openfwi", "flatvel-a", split="without-flatvel-a")
    assert other.cell.scored_on.split == "random"


def test_key_is_that_of_what_is_computed(plan: Any) -> None:
    base, tested = plan("mean-map", "salt", "salt[snr=10]")
    values = tested.cell.model_dump()
    assert Cell.model_validate({**values, "model": "the same run under another name"}).key == tested.cell.key
    moved = {**values["tested_on"], "dataset_options": {"snr": 10.0, "path": "/elsewhere"}}
    assert Cell.model_validate({**values, "tested_on": moved}).key == tested.cell.key
    for name in ("dataset", "fingerprint", "split"):
        changed = {**values["tested_on"], name: "other"}
        assert Cell.model_validate({**values, "tested_on": changed}).key != tested.cell.key
    assert "tested_on" not in base.cell.model_dump(exclude_defaults=True)
    assert base.cell.key == plan("mean-map", "salt", None)[0].cell.key


@pytest.mark.parametrize(
    ("method", "dataset", "other", "reason"),
    [
        (
            "mean-map",
            "salt",
            "flatvel-a",
            "mean-map is fitted on salt, whose measurements have shape (5, 600, 60), those of flatvel-a (5, 1000, 70)",
        ),
        (
            "mean-map",
            "salt",
            "kimberlina-reservoir",
            "mean-map is fitted on salt, whose measurements are seismic, those of kimberlina-reservoir em",
        ),
        (
            "multiscale-fwi[start=gradient]",
            "flatvel-a",
            "flatvel-b",
            "multiscale-fwi learns nothing, so there is no model to transfer: run it on flatvel-b",
        ),
        ("multiscale-fwi[start=train-mean]", "flatvel-a", "flatvel-b", ""),
        (
            "multiscale-fwi-oracle",
            "flatvel-a",
            "flatvel-b",
            "multiscale-fwi-oracle starts from the truth (track oracle-start): run it on flatvel-b",
        ),
        (
            "refine[base=mean-map]",
            "flatvel-a",
            "flatvel-b",
            "refine learns nothing, so there is no model to transfer: run it on flatvel-b, and mean-map can be tested "
            "on it",
        ),
    ],
)
def test_impossible_transfer_is_skipped_with_reason(
    plan: Any, method: str, dataset: str, other: str, reason: str
) -> None:
    *bases, tested = plan(method, dataset, other)
    assert all(not one.skip and one.cell.tested_on is None for one in bases), "only the last one is a transfer"
    assert tested.skip == reason


def test_cell_that_cannot_run_has_no_transfer(plan: Any) -> None:
    base, tested = plan("multiscale-fwi", "kimberlina-reservoir", "kimberlina-reservoir[snr=10]")
    assert base.skip
    assert tested.skip == base.skip


def changed(problem: Problem, part: str, **values: Any) -> Problem:
    return problem.model_copy(update={part: getattr(problem, part).model_copy(update=values)})


@pytest.mark.parametrize(
    ("part", "values", "refused", "doubt"),
    [
        ("property", {"unit": "km/s"}, "whose maps have unit m/s, those of other km/s", []),
        ("grid", {"nz": 41}, "whose maps have shape (1, 40, 60), those of other (1, 41, 60)", []),
        ("grid", {"spacing": 7.0}, "", ["salt and other differ in grid"]),
        ("survey", {"dt": 2e-3}, "", ["salt and other differ in survey"]),
        ("property", {"high": 9000.0}, "", []),
    ],
)
def test_problems_must_agree_in_shapes_and_units(
    registry: Registry, part: str, values: dict[str, Any], refused: str, doubt: list[str]
) -> None:
    salt: Any = open_dataset(registry, "salt", "smoke")
    other: Any = SimpleNamespace(
        spec=SimpleNamespace(name="other"), problem=changed(salt.problem, part, **values), indices=salt.indices
    )
    spec = registry.method("mean-map").spec
    found = transfer_refusal(spec, {}, salt, other, "random")
    assert found == (f"mean-map is fitted on salt, {refused}" if refused else "")
    if not refused:
        assert differing_problems(salt, other) == doubt
        inversion, options = registry.method("multiscale-fwi").spec, {"start": "train-mean"}
        reason = transfer_refusal(inversion, options, salt, other, "random")
        assert ("with whose grid, survey and physics it simulates" in reason) == bool(doubt)


def test_dataset_without_test_samples_is_refused(registry: Registry) -> None:
    salt: Any = open_dataset(registry, "salt", "smoke")
    parts = {**salt.indices("random"), "test": []}
    other: Any = SimpleNamespace(spec=SimpleNamespace(name="other"), problem=salt.problem, indices=lambda scheme: parts)
    reason = transfer_refusal(registry.method("mean-map").spec, {}, salt, other, "random")
    assert reason == "mean-map is scored on test samples, other has none in its split random"


def test_transfers_count_among_the_cells(plan: Any) -> None:
    with pytest.raises(UsageError, match="has 6 cells, more than 5"):
        plan("inversionnet", "flatvel-a", "flatvel-b,style-a", seeds=2, max_cells=5)
    with pytest.raises(UsageError, match="nothing is selected|cannot read"):
        plan("mean-map", "flatvel-a", "")
