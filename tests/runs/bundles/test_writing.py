"""Bundles of runs: what they hold, what they leave out, and what is not bundled."""

import shutil
import zipfile
from pathlib import Path

import pytest

from fwibench.errors import DataError, UsageError
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, read_record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.bundles.privacy import clean_text, without_paths
from fwibench.runs.bundles.reading import open_bundle
from fwibench.runs.bundles.writing import write_bundle
from tests.runs.bundles.conftest import COMMAND


@pytest.fixture
def run(results: Path, tmp_path: Path) -> Path:
    """A copy of the run of pixel-ridge, to be changed."""
    source = Results(results).run("pixel-ridge")
    return Path(shutil.copytree(source, tmp_path / "runs" / source.name))


def change(run: Path, **values: object) -> Record:
    record = read_record(RunFiles(run).record).model_copy(update=values)
    write_record(record, RunFiles(run).record)
    return record


def test_bundle_names_no_folder_of_the_machine(honest: Path) -> None:
    with zipfile.ZipFile(honest) as archive:
        texts = [archive.read(name).decode() for name in archive.namelist() if not name.endswith(".npy")]
    assert not any("/home" in text or "someone" in text for text in texts)
    opened = open_bundle(honest)
    assert opened.manifest.command == ("fwibench", "run", "--results", "results")
    assert opened.entries[0].record.environment["command"] == ["fwibench", "run", "--results", "results"]


def test_same_run_gives_the_same_members(run: Path, registry: Registry, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        write_bundle([run], tmp_path / name, registry, COMMAND, {})
    first, second = (open_bundle(tmp_path / name).manifest for name in ("a.zip", "b.zip"))
    assert first.files == second.files


def test_default_metrics_are_added_and_those_of_samples_left_out(run: Path, registry: Registry, tmp_path: Path) -> None:
    record = change(run, scores={"mae": 1.0, "error-low": 1.0, "crps": 2.0, "of-a-plugin": 3.0})
    write_bundle([run], tmp_path / "b.zip", registry, COMMAND, {})
    (entry,) = open_bundle(tmp_path / "b.zip").entries
    default = {
        name for name, offer in registry.metrics.items() if offer.spec.default and offer.spec.scores != "samples"
    }
    assert set(entry.record.scores) == set(entry.scores.values) == {*default, "error-low"}
    assert entry.about.left_out == ("crps", "of-a-plugin")
    assert entry.record.scores["mae"] == pytest.approx(entry.scores.values["mae"].mean()) != record.scores["mae"]


def test_unfinished_run_is_not_bundled(run: Path, registry: Registry, tmp_path: Path) -> None:
    change(run, status="timeout", reason="took 3 s")
    with pytest.raises(UsageError, match="is timeout: took 3 s") as error:
        write_bundle([run], tmp_path / "b.zip", registry, COMMAND, {})
    assert error.value.hint == "name finished runs"
    assert not (tmp_path / "b.zip").exists()


def test_run_without_predictions_is_not_bundled(run: Path, registry: Registry, tmp_path: Path) -> None:
    RunFiles(run).predictions.unlink()
    with pytest.raises(DataError, match=r"has no predictions\.npz"):
        write_bundle([run], tmp_path / "b.zip", registry, COMMAND, {})


def test_run_of_other_samples_is_not_bundled(run: Path, registry: Registry, tmp_path: Path) -> None:
    record = read_record(RunFiles(run).record)
    change(run, cell=record.cell.model_copy(update={"fingerprint": "0" * 64}))
    with pytest.raises(DataError, match="has the fingerprint"):
        write_bundle([run], tmp_path / "b.zip", registry, COMMAND, {})


def test_run_that_is_named_twice_is_not_bundled(run: Path, registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is named twice"):
        write_bundle([run, run], tmp_path / "b.zip", registry, COMMAND, {})


def test_paths_in_options_are_replaced_and_the_key_is_that_of_the_names(run: Path) -> None:
    record = read_record(RunFiles(run).record)
    options = {"file": "/home/someone/models/a.fwib"}
    cell = record.cell.model_copy(
        update={"dataset_options": {"path": "/data/openfwi", "snr": 10.0}, "options": options, "non_default": options}
    )
    cleaned = without_paths(record.model_copy(update={"cell": cell}))
    assert cleaned.cell.dataset_options == {"snr": 10.0}
    assert cleaned.cell.options == cleaned.cell.non_default == {"file": "a.fwib"}
    assert without_paths(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/someone/results", "results"),
        ("--results=/home/someone/results", "--results=results"),
        ("read '/tmp/a b/c.npy'", "read 'a b/c.npy'"),
        ("~/work/results and C:\\Users\\someone\\results", "results and results"),
        ("/a/b//c/d", "d"),
        ("/a/b/", "b/"),
        ("tcp://node7.cluster:8786", "ADDRESS"),
        ("(m/s)^2, 1/2, n/a, results/runs", "(m/s)^2, 1/2, n/a, results/runs"),
        ("Doe et al., https://doi.org/10.1000/182", "Doe et al., https://doi.org/10.1000/182"),
        ("invlint[alpha=1|10],mean-map", "invlint[alpha=1|10],mean-map"),
    ],
)
def test_folders_are_removed_from_texts(text: str, expected: str) -> None:
    assert clean_text(text) == expected
    assert clean_text(expected) == expected
