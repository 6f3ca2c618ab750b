import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.errors import UsageError
from fwibench.metrics.misfit import data_misfit
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.artefacts.record import read_record
from fwibench.runs.opening.datasets import reopen_dataset
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import make_plan
from fwibench.testing import check_method
from tests.conftest import Command
from tests.fwi.test_engine import SAME_SIMULATION
from tests.tolerances import assert_within_range

COMMON = ("--dataset", "salt", "--profile", "smoke", "--test-samples", "2")


@pytest.mark.slow
def test_inversions_run_on_their_tracks_and_a_base_is_reused(fwibench: Command, tmp_path: Path, salt: Dataset) -> None:
    first = fwibench("run", "--methods", "mean-map", *COMMON)
    assert first.returncode == 0, first.stderr
    methods = "refine[base=mean-map],multiscale-fwi,multiscale-fwi-oracle"
    # the mean map of these few samples explains the low bands, which are then left out
    every_band = ("--set", "multiscale-fwi.explained=0")
    done = fwibench("run", "--methods", methods, *COMMON, *every_band, "--metrics", "data-misfit", "--json")
    assert done.returncode == 0, done.stderr
    assert "mean-map on salt, seed 0: MAE" in done.stderr
    assert "finished before" in done.stderr
    rows = {row["method"]: row for row in json.loads(done.stdout)["rows"]}
    assert rows["multiscale-fwi-oracle"]["track"] == "oracle-start"
    assert rows["refine"]["track"] == rows["multiscale-fwi"]["track"] == "standard"
    assert rows["refine"]["flops_kind"] == "mixed"
    assert rows["multiscale-fwi"]["flops"] > 1e9
    assert 0 < rows["multiscale-fwi"]["data_misfit"] < 1
    starts = []
    for method in ("refine", "multiscale-fwi"):
        (run,) = (tmp_path / "results" / "runs").glob(f"*-{method}-s0-*")
        with np.load(run / "models.npz") as models:
            starts.append(models["start"])
    assert_within_range(starts[0], starts[1], salt.problem.property, 1e-5)  # the mean map starts both
    with (run / "traces.csv").open() as stream:
        steps = list(csv.DictReader(stream))
    assert len(steps) == 2 * 5 * 2, "samples, bands, iterations"
    shown = fwibench("show", "multiscale-fwi-s0", "--mae").stdout
    assert [line.split()[0] for line in shown.splitlines()[-6:]] == ["start", "2", "3", "5", "8", "full"]
    assert "modelling_difference" in shown
    (run / "traces.csv").write_text("id,band,iteration,misfit,seconds\na,b,one")
    cut = fwibench("show", "multiscale-fwi-s0")
    assert cut.returncode == 0
    assert "traces.csv cannot be read" in cut.stderr
    assert "modelling_difference" in cut.stdout


@pytest.mark.slow
def test_run_receives_the_noise_of_its_data(
    fwibench: Command, tmp_path: Path, registry: Registry, salt: Dataset
) -> None:
    chosen = ("--dataset", "salt[snr=10]", *COMMON[2:])
    done = fwibench("run", "--methods", "mean-map", *chosen, "--metrics", "data-misfit", "--json")
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "results" / "runs").glob("salt-*")
    record = read_record(run / "record.json")
    dataset = reopen_dataset(registry, record.cell)
    assert dataset.measured_problem.noise == pytest.approx(10**-0.5)
    assert dataset.problem.noise == salt.measured_problem.noise == 0
    with np.load(run / "predictions.npz") as stored:
        prediction = stored["prediction"]
    measured = dataset.split("random", "test").spread(2).measurements[:]
    known = data_misfit(prediction, measured, dataset.measured_problem)
    assert record.scores["data-misfit"] == pytest.approx(known.mean(), rel=1e-6)


def test_failed_base_skips_its_refinement(
    fwibench: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, salt: Dataset
) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    shutil.copy(Path(__file__).parents[1] / "runs" / "faulty.py", folder)
    done = fwibench("--plugins-dir", folder, "run", "--methods", "refine[base=x-raises]", *COMMON, "--json")
    assert done.returncode == 1
    rows = {row["method"]: row for row in json.loads(done.stdout)["rows"]}
    assert {name: row["status"] for name, row in rows.items()} == {"x-raises": "failed", "refine": "skipped"}


def plan(
    registry: Registry, methods: str, dataset: str = "salt", tmp_path: Path = Path("results"), seeds: int = 1
) -> list:
    return make_plan(read_request(registry, methods, dataset, profile="smoke", results=tmp_path, seeds=seeds), registry)


def test_every_seed_builds_on_the_base_of_that_seed(registry: Registry, tmp_path: Path) -> None:
    cells = [one.cell for one in plan(registry, "refine", tmp_path=tmp_path, seeds=2)]
    assert [cell.method for cell in cells] == ["invlint", "invlint", "refine", "refine"]
    assert [cell.base for cell in cells[2:]] == [cell.run_id for cell in cells[:2]]
    assert cells[2].key != cells[3].key
    shared = plan(registry, "refine[base=mean-map]", tmp_path=tmp_path, seeds=2)
    assert {one.cell.base for one in shared[1:]} == {shared[0].cell.run_id}


def test_method_cannot_build_on_a_method_with_a_base(registry: Registry) -> None:
    with pytest.raises(UsageError, match="which builds on another method"):
        plan(registry, "refine[base=refine]")


def test_oracle_cannot_be_a_base(registry: Registry) -> None:
    with pytest.raises(UsageError, match="which starts from the truth"):
        plan(registry, "refine[base=multiscale-fwi-oracle]")


def test_content_of_a_start_file_is_part_of_the_cell(registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "start.npy"
    keys = []
    for value in (2000, 2500):
        np.save(file, np.full((40, 60), value, np.float32))
        (planned,) = plan(registry, f"multiscale-fwi[start={file}]", tmp_path=tmp_path)
        keys.append(planned.cell.key)
    assert keys[0] != keys[1]
    file.unlink()
    with pytest.raises(UsageError, match="no such file"):
        plan(registry, f"multiscale-fwi[start={file}]", tmp_path=tmp_path)


def test_electromagnetic_data_are_skipped_with_a_reason(registry: Registry) -> None:
    planned = plan(registry, "multiscale-fwi,refine", "kimberlina-reservoir")
    assert [one.cell.method for one in planned] == ["multiscale-fwi", "refine"]
    assert all("accepts seismic data" in one.skip for one in planned)


def test_truth_explains_the_data(small: Problem, truth: np.ndarray, shots: np.ndarray) -> None:
    assert data_misfit(truth, shots, small) == pytest.approx([0, 0], abs=SAME_SIMULATION)
    wrong = data_misfit(np.full_like(truth, 1900), shots, small)
    assert (wrong > 0.1).all()
    unknown = small.model_copy(update={"physics": None})
    assert np.isnan(data_misfit(truth, shots, unknown)).all()


@pytest.mark.slow
def test_inversion_from_a_gradient_conforms() -> None:
    results = check_method("multiscale-fwi", options={"start": "gradient"})
    assert [result for result in results if not result.ok] == []
