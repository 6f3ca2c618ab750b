from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fwibench_hybrid import EnsembleOptions
from fwibench_hybrid.ensemble import FACTORS, Ensemble, calibrate

from fwibench.boards.board import make_board
from fwibench.boards.columns import columns_of
from fwibench.datasets.base import Dataset
from fwibench.errors import MethodError, UsageError
from fwibench.methods.complexity import Complexity
from fwibench.methods.context import RunContext
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import read_scores
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import make_plan
from fwibench.runs.scoring.rescore import rescore
from fwibench.testing.problems import PROBLEMS, Tiny, tiny_data
from tests.runs.finished import finish

PROBLEM = PROBLEMS["seismic"]


class Member:
    """Predicts maps of one value, and the strength of the measurement."""

    def __init__(self, value: float, flops: int | None = 10) -> None:
        self.value, self.flops = value, flops

    def predict(self, measurements: np.ndarray) -> np.ndarray:
        strength = np.abs(measurements).mean((1, 2, 3)).reshape(-1, 1, 1, 1)
        return np.float32(self.value) + strength * np.ones((1, *PROBLEM.property_shape), np.float32)

    def complexity(self) -> Complexity:
        return Complexity(parameters=3, parameters_fixed=1, flops=self.flops, flops_kind="counted")


def build(tmp_path: Path, *members: Any, **options: Any) -> Ensemble:
    context = RunContext(tmp_path, dataset="tiny", method="ensemble", members=members)
    return Ensemble(PROBLEM, EnsembleOptions(n=max(len(members), 2), **options), context)


@pytest.fixture
def tiny() -> Tiny:
    return tiny_data()


def test_prediction_is_the_mean_of_the_members_which_are_the_samples(tiny: Tiny, tmp_path: Path) -> None:
    members = [Member(value) for value in (2000, 2600, 2900)]
    method, measurements = build(tmp_path, *members, calibrated=False), tiny.test.measurements[:]
    method.fit(tiny.train, tiny.val)
    np.testing.assert_allclose(method.predict(measurements), Member(2500).predict(measurements), rtol=1e-6)
    samples = method.predict_samples(measurements)
    np.testing.assert_allclose(samples, [member.predict(measurements) for member in members], rtol=1e-6)
    assert method.figures() == {"spread_factor": 1.0}


def naive_crps(samples: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """CRPS of each test sample by its definition, from all pairs of samples."""
    pairs = np.abs(samples[:, None] - samples[None]).mean(axis=(0, 1))
    return (np.abs(samples - truth).mean(axis=0) - pairs / 2).reshape(len(truth), -1).mean(axis=1)


def test_factor_has_the_lowest_crps_on_val(tiny: Tiny, tmp_path: Path) -> None:
    members = [Member(value) for value in (2850, 2950, 3050, 3150)]
    method = build(tmp_path, *members)
    method.fit(tiny.train, tiny.val)
    each = np.stack([member.predict(tiny.val.measurements[:]) for member in members]).astype(float)
    mean, truth = each.mean(axis=0), tiny.val.properties[:].astype(float)
    scores = [naive_crps(mean + factor * (each - mean), truth).mean() for factor in FACTORS]
    assert method.factor == FACTORS[int(np.argmin(scores))]
    assert FACTORS[0] < method.factor < FACTORS[-1]
    spread = method.predict_samples(tiny.test.measurements[:]).std(axis=0)
    np.testing.assert_allclose(spread, method.factor * np.std([2850, 2950, 3050, 3150]), rtol=1e-5)


def test_calibration_finds_the_factor_by_which_members_are_too_close() -> None:
    rng = np.random.default_rng(0)
    mean = rng.normal(3000, 300, (20, 1, 20, 30))
    members = (mean + rng.normal(0, 25, (30, *mean.shape))).astype(np.float32)
    truth = (mean + rng.normal(0, 100, mean.shape)).astype(np.float32)
    assert calibrate(members, truth, PROBLEM) == 4.0


def test_factor_at_the_end_of_its_range_is_noted(tiny: Tiny, tmp_path: Path) -> None:
    method = build(tmp_path, Member(2999.999), Member(3000.001))
    method.fit(tiny.train, tiny.val)
    assert method.factor == FACTORS[-1]
    assert "last factor that was compared" in method.notes()[0]


def test_costs_are_those_of_all_members(tmp_path: Path) -> None:
    found = build(tmp_path, Member(1), Member(2), Member(3)).complexity()
    assert found == Complexity(parameters=9, parameters_fixed=3, flops=30, flops_kind="counted")
    assert build(tmp_path, Member(1), Member(2, flops=None)).complexity().flops is None


def test_saved_factor_is_loaded(tiny: Tiny, tmp_path: Path) -> None:
    members = [Member(2950), Member(3050)]
    method = build(tmp_path, *members)
    with pytest.raises(MethodError, match="before fit"):
        method.predict(tiny.test.measurements[:])
    method.fit(tiny.train, tiny.val)
    method.save(tmp_path)
    again = build(tmp_path, *members)
    again.load(tmp_path)
    found, expected = (one.predict_samples(tiny.test.measurements[:]) for one in (again, method))
    np.testing.assert_array_equal(found, expected)


def test_members_are_cells_of_the_base_that_its_own_runs_share(registry: Registry, tmp_path: Path) -> None:
    def plan(methods: str, **settings: Any) -> list[Any]:
        request = read_request(registry, methods, "salt", profile="smoke", results=tmp_path, **settings)
        return [one.cell for one in make_plan(request, registry)]

    cells = plan("ensemble[n=3]", first_seed=1, seeds=2)
    own = {cell.seed: cell for cell in plan("invlint", seeds=9)}
    assert [(cell.method, cell.seed) for cell in cells] == [
        *(("invlint", seed) for seed in range(3, 9)),
        ("ensemble", 1),
        ("ensemble", 2),
    ]
    assert [cell.members for cell in cells[-2:]] == [
        tuple(own[seed].run_id for seed in seeds) for seeds in (range(3, 6), range(6, 9))
    ]
    assert cells[-1].base == own[6].run_id
    assert cells[-1].needed_runs == cells[-1].members


def test_members_are_part_of_the_key(registry: Registry) -> None:
    (cell,) = (one.cell for one in make_plan(read_request(registry, "mean-map", "salt", profile="smoke"), registry))
    assert cell.members == ()
    with_members = cell.model_copy(update={"members": ("a", "b")})
    assert type(cell).model_validate(with_members.model_dump()).key != cell.key


@pytest.mark.parametrize(
    ("methods", "reason"),
    [
        ("ensemble[base=pixel-ridge]", "ensemble cannot build on pixel-ridge, which is deterministic"),
        ("ensemble[base=refine]", "ensemble cannot build on refine, which builds on another method"),
        ("refine[base=ensemble]", "refine cannot build on ensemble, which builds on another method"),
        ("ensemble[n=1]", "greater than or equal to 2"),
    ],
)
def test_base_that_gives_no_ensemble_is_a_usage_error(methods: str, reason: str, registry: Registry) -> None:
    with pytest.raises(UsageError, match=reason.replace("[", r"\[")):
        make_plan(read_request(registry, methods, "salt", profile="smoke"), registry)


@pytest.mark.slow
def test_run_stores_samples_scores_and_the_costs_of_its_members(
    salt: Dataset, registry: Registry, tmp_path: Path
) -> None:
    settings = ["invlint.epochs=1"]
    request = read_request(registry, "ensemble", "salt", profile="smoke", seeds=2, settings=settings, results=tmp_path)
    records = finish(request, registry)
    members, ensembles = records[:4], records[4:]
    assert [one.cell.seed for one in members] == [0, 1, 2, 3]
    for number, one in enumerate(ensembles):
        below = members[2 * number : 2 * number + 2]
        assert one.costs.members_fit_s == pytest.approx(sum(member.costs.fit_s or 0 for member in below))
        assert one.costs.samples_seen == sum(member.costs.samples_seen or 0 for member in below)
        assert one.complexity.parameters == sum(member.complexity.parameters or 0 for member in below)
    results = Results(tmp_path)
    folder = results.folder(ensembles[0].cell)
    assert RunFiles(folder).samples.exists()
    assert not RunFiles(results.folder(members[0].cell)).samples.exists()
    updated, failures = rescore(folder, ["crps", "mae"], registry)
    assert not failures
    test = salt.split("random", "test")
    drawn = [np.load(RunFiles(results.folder(one.cell)).predictions)["prediction"] for one in members[:2]]
    mean, factor = np.mean(drawn, axis=0), ensembles[0].diagnostics["spread_factor"]
    expected = naive_crps(mean + factor * (np.stack(drawn) - mean), test.properties[:])
    np.testing.assert_allclose(read_scores(folder).values["crps"], expected, rtol=1e-3)
    untouched, _ = rescore(results.folder(members[0].cell), ["crps", "mae"], registry)
    assert "crps" not in untouched.scores
    board = make_board([updated, *ensembles[1:], *members], columns_of(registry), results.scores)
    rows = {row["method"]: row for row in board.rows}
    assert len(board.rows) == 2, "seeds of an ensemble are one row"
    assert rows["ensemble"]["seeds"] == 2
    assert rows["ensemble"]["fit_s"] > rows["invlint"]["fit_s"]
    assert rows["invlint"]["crps"] is None
