"""Export of runs: the file predicts what the run predicted, elsewhere, and holds nothing that executes code."""

import dataclasses
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from fwibench_baselines.mean_map import MeanMap

from fwibench.datasets.base import Dataset
from fwibench.errors import DataError, MethodError, UsageError
from fwibench.plugins.registry import Offer, Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.record import read_record, write_record
from fwibench.runs.models.archive import KIND
from fwibench.runs.models.export import export_run
from fwibench.runs.models.model import read_model
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.prediction.predict import open_task, predict
from tests.conftest import Command
from tests.runs.models.conftest import run_of

QUICK = ("mean-map", "invlint[epochs=1]")
SLOW = (
    "nearest-neighbour",
    "pixel-ridge",
    "kernel-ridge",
    "inversionnet",
    "velocitygan",
    "auto-linear",
    "latent-unet",
    "multiscale-fwi",
    "refine[base=mean-map]",
    "refine[base=invlint]",
    # the BLAS of a ridge rounds by the number of threads, and a simulation amplifies that
    "residual[base=mean-map]",
    "ensemble[base=invlint,n=2]",
)
ELECTROMAGNETIC = ("gauss-newton[base=mean-map]",)


def assert_file_predicts_as_run(
    method: str, registry: Registry, shots: Path, tmp_path: Path, fwibench: Command, dataset: str = "salt"
) -> None:
    folder = run_of(method, tmp_path / "results", registry, dataset)
    expected = read_predictions(folder).maps
    export_run(folder, tmp_path / "model.fwib", registry)
    shutil.rmtree(tmp_path / "results")
    nothing = {"FWIBENCH_DATA": str(tmp_path / "nothing")}
    done = fwibench("predict", "model.fwib", shots, "-o", "maps.npy", "--device", "cpu", **nothing)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.load(tmp_path / "maps.npy"), expected)


@pytest.mark.parametrize("method", QUICK)
def test_model_file_predicts_the_same_bits_in_a_fresh_process(
    method: str, registry: Registry, salt: Dataset, shots: Path, tmp_path: Path, fwibench: Command
) -> None:
    assert_file_predicts_as_run(method, registry, shots, tmp_path, fwibench)


@pytest.mark.slow
@pytest.mark.parametrize("method", SLOW)
def test_model_file_of_a_slow_method_predicts_the_same_bits_in_a_fresh_process(
    method: str, registry: Registry, salt: Dataset, shots: Path, tmp_path: Path, fwibench: Command
) -> None:
    assert_file_predicts_as_run(method, registry, shots, tmp_path, fwibench)


@pytest.mark.slow
@pytest.mark.parametrize("method", ELECTROMAGNETIC)
def test_model_file_of_an_electromagnetic_method_predicts_the_same_bits_in_a_fresh_process(
    method: str, registry: Registry, tmp_path: Path, fwibench: Command
) -> None:
    data = open_dataset(registry, "kimberlina-reservoir", "smoke")
    data.prepare()
    shots = tmp_path / "shots.npy"
    np.save(shots, data.split("random", "test").spread(2).measurements[:])
    assert_file_predicts_as_run(method, registry, shots, tmp_path, fwibench, data.spec.name)


def test_every_built_in_method_is_exported_here(registry: Registry) -> None:
    tried = {method.partition("[")[0] for method in (*QUICK, *SLOW, *ELECTROMAGNETIC)}
    built_in = {name for name, offer in registry.methods.items() if offer.plugin.distribution == "fwibench"}
    # the oracle cannot predict without the truth, see below; test_pretrained exports a fine-tuned model
    assert built_in - tried == {"multiscale-fwi-oracle", "pretrained"}


def test_model_file_holds_weights_spec_options_problem_training_scores_and_card(
    invlint_run: Path, invlint_file: Path, salt: Dataset
) -> None:
    with zipfile.ZipFile(invlint_file) as archive:
        names = archive.namelist()
    inside = f"runs/{invlint_run.name}"
    assert names == [
        KIND.manifest, "problem.json", "spec.json", "card.md", f"{inside}/record.json", f"{inside}/model/weights.npz"
    ]  # fmt: skip
    assert all(Path(name).suffix in KIND.suffixes for name in names)
    model = read_model(invlint_file)
    assert model.record == read_record(RunFiles(invlint_run).record)
    assert model.record.history
    assert model.problem == salt.measured_problem
    assert model.card.startswith("# invlint on salt\n")
    assert f"| mae | {model.record.scores['mae']:.5g} |" in model.card


def test_same_run_gives_the_same_bytes(
    invlint_run: Path, invlint_file: Path, registry: Registry, tmp_path: Path
) -> None:
    export_run(invlint_run, tmp_path / "again.fwib", registry)
    assert (tmp_path / "again.fwib").read_bytes() == invlint_file.read_bytes()


def copied(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy" / "runs" / run.name))


def test_weights_that_earlier_versions_pickled_are_converted(
    invlint_run: Path, registry: Registry, shots: Path, tmp_path: Path
) -> None:
    folder = copied(invlint_run, tmp_path)
    weights = folder / "model" / "weights.npz"
    states: dict[str, dict[str, torch.Tensor]] = {"encoder": {}, "network": {}}
    with np.load(weights) as arrays:
        for name in arrays.files:
            part, _, key = name.partition(".")
            if part in states:
                states[part][key] = torch.from_numpy(arrays[name])
    torch.save({**states, "precision": "float32"}, folder / "model" / "model.pt")
    weights.unlink()
    export_run(folder, tmp_path / "model.fwib", registry)
    with zipfile.ZipFile(tmp_path / "model.fwib") as archive:
        assert not [name for name in archive.namelist() if name.endswith(".pt")]
    with open_task(str(tmp_path / "model.fwib"), tmp_path, shots, registry) as task:
        assert np.array_equal(predict(task, registry, "cpu"), read_predictions(folder).maps)


class PicklingMap(MeanMap):
    """A method that saves a pickle."""

    def save(self, path: Path) -> None:
        super().save(path)
        torch.save(self.fitted, path / "state.pkl")


def test_method_that_saves_pickles_is_named(
    registry: Registry, salt: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = registry.method("mean-map")
    spec = offer.spec.model_copy(update={"target": f"{__name__}:PicklingMap"})
    monkeypatch.setitem(registry.methods, "mean-map", Offer(spec, offer.plugin))
    folder = run_of("mean-map", tmp_path, registry)
    with pytest.raises(MethodError, match=r"PicklingMap saves state\.pkl, which may hold code"):
        export_run(folder, tmp_path / "model.fwib", registry)
    assert not (tmp_path / "model.fwib").exists()


def changed(run: Path, tmp_path: Path, cell: dict[str, object], **fields: object) -> Path:
    """Copy a run with a changed record."""
    folder = copied(run, tmp_path)
    record = read_record(RunFiles(folder).record)
    fields["cell"] = record.cell.model_copy(update=cell)
    write_record(record.model_copy(update=fields), RunFiles(folder).record)
    return folder


@pytest.mark.parametrize(
    ("cell", "fields", "message"),
    [
        ({}, {"status": "failed", "reason": "fit failed"}, "is failed and has no model: fit failed"),
        ({}, {"track": "oracle-start"}, "starts from the truth"),
        ({"model": "another-run"}, {}, "applies the model of another-run"),
    ],
)
def test_run_without_a_model_of_its_own_is_refused(
    cell: dict[str, object],
    fields: dict[str, object],
    message: str,
    invlint_run: Path,
    registry: Registry,
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match=message):
        export_run(changed(invlint_run, tmp_path, cell, **fields), tmp_path / "model.fwib", registry)


def test_run_whose_base_is_elsewhere_is_refused(invlint_run: Path, registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="builds on absent-run, whose record is missing"):
        export_run(changed(invlint_run, tmp_path, {"base": "absent-run"}), tmp_path / "model.fwib", registry)


def test_method_that_is_not_installed_is_named(invlint_file: Path, registry: Registry) -> None:
    model, others = read_model(invlint_file), dataclasses.replace(registry, methods={})
    theirs = dataclasses.replace(model, record=model.record.model_copy(update={"plugin": "fwibench-theirs"}))
    with pytest.raises(UsageError, match=r"invlint\.fwib needs a method that is not here: .*'invlint'") as error:
        theirs.spec(others)
    assert error.value.hint == "install fwibench-theirs, whose plugin offers it"


def test_command_writes_a_file_and_keeps_an_existing_one(
    invlint_run: Path, invlint_file: Path, tmp_path: Path, fwibench: Command
) -> None:
    command = "export", "random-smoke-invlint", "-o", "model.fwib", "--results", invlint_run.parents[1]
    done = fwibench(*command)
    assert done.returncode == 0, done.stderr
    assert f"model.fwib: invlint (version 2) of {invlint_run.name}" in done.stdout
    assert (tmp_path / "model.fwib").read_bytes() == invlint_file.read_bytes()
    again = fwibench(*command)
    assert (again.returncode, "--force replaces it" in again.stderr) == (2, True)
