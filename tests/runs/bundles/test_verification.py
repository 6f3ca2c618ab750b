"""Honest bundles pass, copies of other bundles do not, and what cannot be checked here is no pass."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.datasets.user.add import add_dataset
from fwibench.errors import DataError
from fwibench.plugins.registry import Registry, load_registry
from fwibench.runs.artefacts.results import Results
from fwibench.runs.bundles.reading import open_bundle
from fwibench.runs.bundles.verification import CHECKS, Verdict, verify
from fwibench.runs.bundles.writing import write_bundle
from tests.datasets.user.arrays import SECTION, SHAPE, add_options
from tests.runs.bundles.conftest import COMMAND, finished
from tests.runs.bundles.drafts import load, save


def bundle_of(results: Path, names: list[str], path: Path, registry: Registry) -> Path:
    write_bundle([Results(results).run(name) for name in names], path, registry, COMMAND, {})
    return path


def assert_passed(verdict: Verdict, entries: int) -> None:
    assert [one.faults for one in verdict.findings] == [{name: [] for name in CHECKS}] * entries
    assert (verdict.result, verdict.fault) == ("passed", "")


@pytest.mark.parametrize(
    "runs",
    [["pixel-ridge"], ["elsewhere"], ["our-network"], ["mean-map", "pixel-ridge"]],
    ids=["closed form", "scored file", "evaluated network", "two methods"],
)
def test_honest_bundle_passes(runs: list[str], results: Path, registry: Registry, tmp_path: Path) -> None:
    assert_passed(verify(bundle_of(results, runs, tmp_path / "b.zip", registry), registry), len(runs))


def test_two_seeds_of_a_learned_method_pass_and_one_of_them_twice_does_not(
    salt: Dataset, registry: Registry, tmp_path: Path
) -> None:
    first, second = finished("invlint[max_batches=3]", "salt", tmp_path, registry, seeds=2)
    path = bundle_of(tmp_path, [first.run_id, second.run_id], tmp_path / "b.zip", registry)
    assert_passed(verify(path, registry), 2)
    draft = load(bundle_of(tmp_path, [first.run_id], tmp_path / "first.zip", registry))
    draft.record["cell"]["seed"] = 1
    found = verify(save(draft, tmp_path / "copy.zip"), registry, [tmp_path / "first.zip"])
    assert found.findings[0].faults["copies"] == [f"3 of 3 maps are those of {first.run_id} in first.zip"]


def test_bundle_of_electromagnetic_data_of_a_user_passes_and_is_undecided_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    (tmp_path / "user").mkdir()
    monkeypatch.chdir(tmp_path / "user")
    rng = np.random.default_rng(0)
    np.save("data.npy", rng.normal(size=(20, *SHAPE)).astype(np.float32))
    np.save("model.npy", rng.uniform(1e-3, 0.5, size=(20, 1, *SECTION)).astype(np.float32))
    frequencies = ",".join(map(str, range(1, 16)))
    add_dataset(add_options(kind="em", frequencies=frequencies, property="conductivity", unit="S/m"))
    registry = load_registry()
    (record,) = finished("pixel-ridge", "mine", tmp_path / "results", registry)
    path = bundle_of(tmp_path / "results", [record.run_id], tmp_path / "b.zip", registry)
    entry = open_bundle(path).entries[0]
    assert entry.about.rounding < 1e-4 * 0.5
    assert_passed(verify(path, registry), 1)

    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "elsewhere"))
    verdict = verify(path, load_registry())
    assert verdict.result == "not decided"
    assert verdict.findings[0].absent == "dataset mine is not installed"
    assert not {"samples", "predictions", "scores"} & set(verdict.findings[0].faults)


def test_samples_that_are_not_prepared_leave_it_undecided(
    honest: Path, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "elsewhere"))
    verdict = verify(honest, registry)
    assert verdict.result == "not decided"
    assert verdict.findings[0].absent.startswith("salt (smoke) is not prepared in")
    assert verdict.findings[0].hint == "fwibench data prepare salt --profile smoke"


def test_reason_to_reject_counts_without_samples_too(
    honest: Path, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = load(honest)
    draft.record["environment"] = {}
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "elsewhere"))
    assert verify(save(draft, tmp_path / "b.zip"), registry).result == "rejected"


def test_metric_that_is_not_installed_leaves_it_undecided(honest: Path, registry: Registry, tmp_path: Path) -> None:
    draft = load(honest)
    draft.about["metrics"]["ours"] = "1"
    finding = verify(save(draft, tmp_path / "b.zip"), registry).findings[0]
    assert finding.absent == "metric ours is not installed"


def test_other_bundles_are_compared_and_the_bundle_itself_is_not(
    honest: Path, results: Path, registry: Registry, tmp_path: Path
) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    path = bundle_of(results, ["elsewhere"], folder / "new.zip", registry)
    assert_passed(verify(path, registry, [folder]), 1)

    shutil.copy(honest, folder / "former.zip")
    (folder / "broken.zip").write_text("no archive")
    verdict = verify(path, registry, [folder])
    assert_passed(verdict, 1)
    assert verdict.findings[0].notes == [
        f"{folder / 'former.zip'} holds an entry of the same key: this one replaces it"
    ]
    assert [note.split(":")[0] for note in verdict.notes] == [f"not compared with {folder / 'broken.zip'}"]

    draft = load(path)
    draft.record["cell"]["method"] = "mine"
    verdict = verify(save(draft, tmp_path / "renamed.zip"), registry, [folder])
    assert "3 of 3 maps are those of salt-random-smoke-elsewhere" in verdict.findings[0].faults["copies"][0]


def test_same_method_with_another_option_may_predict_the_same(honest: Path, registry: Registry, tmp_path: Path) -> None:
    draft = load(honest)
    draft.record["cell"]["non_default"] = {"alpha": 3.0}
    assert_passed(verify(save(draft, tmp_path / "b.zip"), registry, [honest]), 2)


def test_absent_files_are_told(honest: Path, registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        verify(tmp_path / "absent.zip", registry)
    with pytest.raises(DataError, match="does not exist"):
        verify(honest, registry, [tmp_path / "absent"])
