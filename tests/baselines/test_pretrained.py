"""Model files as methods: evaluated, trained further, and ranked by what they were trained on."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fwibench as fb
from fwibench.datasets.base import Dataset
from fwibench.errors import DataError, UsageError
from fwibench.methods.torch_method import TorchMethod
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.results import Results
from fwibench.runs.models.archive import pack
from fwibench.runs.models.export import export_run
from fwibench.runs.models.model import ModelFile, read_model
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import PlannedCell, make_plan
from tests.runs.finished import finish
from tests.tolerances import assert_within_range


@pytest.fixture(scope="module")
def results(registry: Registry, salt: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Results:
    root = tmp_path_factory.mktemp("results")
    request = read_request(
        registry, "invlint[epochs=2],mean-map", "salt", profile="smoke", test_samples=2, results=root
    )
    finish(request, registry)
    return Results(root)


def export(results: Results, method: str, path: Path, registry: Registry) -> Path:
    export_run(results.run(f"-{method}-"), path, registry)
    return path


@pytest.fixture(scope="module")
def invlint(results: Results, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(results, "invlint", tmp_path_factory.mktemp("model") / "invlint.fwib", registry)


@pytest.fixture(scope="module")
def mean_map(results: Results, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(results, "mean-map", tmp_path_factory.mktemp("model") / "mean.fwib", registry)


def plan(registry: Registry, results: Path, methods: str, dataset: str = "salt", **more: Any) -> list[PlannedCell]:
    request = read_request(registry, methods, dataset, profile="smoke", test_samples=2, results=results, **more)
    return make_plan(request, registry)


def run(registry: Registry, results: Path, methods: str, dataset: str = "salt") -> Path:
    request = read_request(registry, methods, dataset, profile="smoke", test_samples=2, results=results)
    return Results(results).folder(finish(request, registry)[-1].cell)


def test_model_predicts_the_test_samples_as_its_run_did(
    invlint: Path, results: Results, registry: Registry, tmp_path: Path
) -> None:
    folder = run(registry, tmp_path, f"pretrained[file={invlint}]")
    record = fb.load_run(folder).record
    original = results.run("-invlint-")
    assert np.array_equal(read_predictions(folder).maps, read_predictions(original).maps)
    assert record.complexity == fb.load_run(original).record.complexity
    assert record.costs.fit_s is None
    (note,) = (note for note in record.notes if note.startswith("invlint.fwib holds invlint"))
    assert "trained on salt, split random, profile smoke, seed 0, 14 train samples; SHA-256 " in note


def test_model_predicts_another_dataset_of_the_same_shapes(
    mean_map: Path, registry: Registry, salt: Dataset, tmp_path: Path
) -> None:
    folder = run(registry, tmp_path, f"pretrained[file={mean_map}]", "salt[snr=10]")
    own = salt.split("random", "test").spread(1).measurements[:]
    assert (read_predictions(folder).maps == fb.load_model(mean_map).predict(own)).all()


def test_key_depends_on_the_content_of_the_file(
    mean_map: Path, invlint: Path, registry: Registry, tmp_path: Path
) -> None:
    file = tmp_path / "model.fwib"
    shutil.copy(mean_map, file)
    (before,) = plan(registry, tmp_path, f"pretrained[file={file}]")
    shutil.copy(invlint, file)
    (after,) = plan(registry, tmp_path, f"pretrained[file={file}]")
    assert before.cell.options == after.cell.options
    assert before.cell.key != after.cell.key


@pytest.mark.parametrize(
    ("dataset", "split", "track"),
    [("salt", "random", "standard"), ("salt[snr=10]", "random", "extra-data"), ("salt", "block", "extra-data")],
)
@pytest.mark.parametrize("method", ["pretrained", "refine[base=pretrained]"])
def test_model_of_other_samples_is_ranked_on_its_own_track(
    method: str, dataset: str, split: str, track: str, mean_map: Path, registry: Registry, tmp_path: Path
) -> None:
    settings = {"pretrained": {"file": str(mean_map)}}
    request = read_request(registry, method, dataset, profile="smoke", split=split, results=tmp_path)
    *_, planned = make_plan(type(request)(**{**vars(request), "settings": settings}), registry)
    assert planned.skip == ""
    assert planned.track == track


def relabelled(path: Path, model: ModelFile, **fields: Any) -> Path:
    """Write a model file without weights whose record has other fields."""
    record = model.record.model_copy(update=fields).model_dump_json()
    members = {"problem.json": model.problem.model_dump_json(), "card.md": "", f"runs/{model.run}/record.json": record}
    pack(path, model.run, 0.0, members)
    return path


def test_model_that_was_fine_tuned_from_other_samples_stays_on_its_track(
    mean_map: Path, registry: Registry, tmp_path: Path
) -> None:
    file = relabelled(tmp_path / "tuned.fwib", read_model(mean_map), track="extra-data")
    (planned,) = plan(registry, tmp_path, f"pretrained[file={file}]")
    assert planned.track == "extra-data"


def test_tracks_and_models_are_shown_in_the_leaderboard(mean_map: Path, tmp_path: Path) -> None:
    outcome = fb.run(
        f"pretrained[file={mean_map}]", ["salt", "salt[snr=10]"], tmp_path, profile="smoke", test_samples=2
    )
    rows = outcome.leaderboard().set_index("dataset")
    assert list(rows["status"]) == ["ok", "ok"]
    assert rows["track"].to_dict() == {"salt": "standard", "salt[snr=10.0]": "extra-data"}
    assert rows["options"].str.endswith("mean.fwib,model=mean-map on salt").all()


def test_fine_tuning_starts_from_the_weights_and_keeps_the_encoder(
    invlint: Path, results: Results, registry: Registry, salt: Dataset, tmp_path: Path
) -> None:
    # steps of 1e-12 change no prediction visibly, unless the weights or the matrix are new
    tuning = f"file={invlint},finetune=true,epochs=1"
    still = run(registry, tmp_path, f"pretrained[{tuning},learning_rate=1e-12]", "salt[snr=0]")
    quiet = read_predictions(still).maps
    same = run(registry, tmp_path, f"pretrained[file={invlint}]", "salt[snr=0]")
    assert_within_range(quiet, read_predictions(same).maps, salt.problem.property, 1e-4)
    tuned = run(registry, tmp_path, f"pretrained[{tuning}]", "salt[snr=0]")
    assert np.abs(read_predictions(tuned).maps - quiet).max() > 1
    record = fb.load_run(tuned).record
    assert len(record.history) == 1
    assert record.costs.samples_seen == record.n_train


def test_fine_tuned_model_is_exported_with_the_file_it_started_from(
    invlint: Path, registry: Registry, salt: Dataset, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.fwib"
    shutil.copy(invlint, copy)
    folder = run(registry, tmp_path, f"pretrained[file={copy},finetune=true,epochs=1]")
    export_run(folder, tmp_path / "tuned.fwib", registry)
    expected = read_predictions(folder).maps
    shutil.rmtree(tmp_path / "runs")
    copy.unlink()
    model = fb.load_model(tmp_path / "tuned.fwib", "cpu")
    assert isinstance(model.method, TorchMethod)
    found = model.predict(salt.split("random", "test").spread(2).measurements[:])
    assert np.array_equal(found, expected)


def test_model_that_is_only_applied_is_not_exported_again(mean_map: Path, registry: Registry, tmp_path: Path) -> None:
    folder = run(registry, tmp_path, f"pretrained[file={mean_map}]")
    with pytest.raises(UsageError, match="applies a model file and does not change the model"):
        export_run(folder, tmp_path / "again.fwib", registry)


@pytest.mark.parametrize(
    ("options", "dataset", "reason"),
    [
        ("", "salt", r"no model file is given, expected pretrained\[file=NAME\.fwib\]"),
        (
            "file={mean}",
            "flatvel-a",
            r"holds mean-map on salt, whose measurements have shape \(5, 600, 60\)",
        ),
        ("file={mean},finetune=true", "salt", "holds mean-map, which is not trained by gradient descent"),
        ("file={invlint},epochs=3", "salt", "epochs has an effect only with finetune=true"),
    ],
)
def test_what_cannot_run_is_skipped_with_a_reason(
    options: str, dataset: str, reason: str, mean_map: Path, invlint: Path, registry: Registry, tmp_path: Path
) -> None:
    chosen = f"pretrained[{options.format(mean=mean_map, invlint=invlint)}]" if options else "pretrained"
    (planned,) = plan(registry, tmp_path, chosen, dataset)
    assert re.search(reason, planned.skip), planned.skip


def test_absent_file_is_an_error_before_anything_runs(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.fwib does not exist"):
        plan(registry, tmp_path, f"pretrained[file={tmp_path / 'absent.fwib'}]")
