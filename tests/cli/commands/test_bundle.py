"""The commands `bundle` and `verify`."""

import json
from pathlib import Path

import pytest

from fwibench.datasets.base import Dataset
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.results import Results
from tests.conftest import Command
from tests.runs.bundles.drafts import load, save


@pytest.mark.slow
def test_runs_are_bundled_and_verified_and_a_better_score_is_rejected(
    fwibench: Command, tmp_path: Path, salt: Dataset
) -> None:
    done = fwibench("run", "--methods", "mean-map,pixel-ridge", "--dataset", "salt", "--profile", "smoke")
    assert done.returncode == 0, done.stderr
    bundled = fwibench("bundle", "mean-map", "pixel-ridge", "-o", "b.zip")
    assert bundled.returncode == 0, bundled.stderr
    assert "maps rounded by 0.02" in bundled.stdout
    assert "b.zip: 2 runs" in bundled.stdout
    again = fwibench("bundle", "mean-map", "-o", "b.zip")
    assert (again.returncode, "--force replaces it" in again.stderr) == (2, True)

    passed = fwibench("verify", "b.zip")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert passed.stdout.splitlines()[-1] == "b.zip: passed"

    draft = load(tmp_path / "b.zip")
    draft.record["scores"]["mae"] /= 2
    draft.record["kind"] = "baseline\n::notice::no command of a workflow"
    save(draft, tmp_path / "better.zip")
    rejected = fwibench("verify", "better.zip")
    assert rejected.returncode == 1
    assert "scores: mae is" in rejected.stdout
    assert not any(line.startswith("::") for line in rejected.stdout.splitlines())
    as_json = json.loads(fwibench("verify", "better.zip", "--against", "b.zip", "--json").stdout)
    assert as_json["result"] == "rejected"
    assert as_json["findings"][0]["faults"]["scores"]

    undecided = fwibench("verify", "b.zip", FWIBENCH_DATA=str(tmp_path / "nothing"))
    assert undecided.returncode == 3
    assert "hint: fwibench data prepare salt --profile smoke" in undecided.stdout

    RunFiles(Results(tmp_path / "results").run("mean-map")).predictions.unlink()
    absent = fwibench("bundle", "mean-map", "-o", "c.zip")
    assert (absent.returncode, "has no predictions.npz" in absent.stderr) == (1, True)


def test_wrong_names_are_told(fwibench: Command, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "text.zip").write_text("no archive")
    for arguments, code, message in (
        (("bundle", "meanmap", "-o", "b.zip"), 2, "there is no run named 'meanmap'"),
        (("bundle", "meanmap", "-o", "b.tar"), 2, "expected a name that ends with .zip"),
        (("verify", "absent.zip"), 1, "absent.zip does not exist"),
        (("verify", "text.zip", "-d", "salty[path=x]"), 2, "did you mean salt"),
    ):
        done = fwibench(*arguments)
        assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    rejected = fwibench("verify", "text.zip")
    assert (rejected.returncode, rejected.stdout.splitlines()[-1]) == (1, "text.zip: rejected")
