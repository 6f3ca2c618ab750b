"""`study`: a declared sweep is listed, planned, run, shown and resumed."""

import csv
import json
from pathlib import Path

import pytest

from fwibench.datasets.base import Dataset
from tests.conftest import Command

STUDY = """
from fwibench import Case, Claim, PublishedValue, Quantity, StudySpec, hookimpl

@hookimpl
def fwibench_studies():
    return [
        StudySpec(
            name="tiny",
            collection="mine",
            title="Two methods without a network",
            summary="errors of the mean map and its neighbour",
            cases=(
                Case(row="mean", method="mean-map", dataset="salt"),
                Case(row="neighbour", method="nearest-neighbour", dataset="salt"),
                Case(row="absent", method="no-such-method", dataset="salt"),
            ),
            quantities=(Quantity(key="mae"), Quantity(key="ssim")),
            published=(PublishedValue(block="salt", row="mean", quantity="mae", value=523.0, source="table 1"),),
            claims=(
                Claim(kind="better", text="the neighbour is better", quantity="mae", block="salt", first="neighbour",
                      others=("mean",)),
            ),
        ),
        StudySpec(
            name="bands",
            title="One method by wavenumber",
            summary="a metric that is not computed by default",
            cases=(Case(row="mean", method="mean-map", dataset="salt"),),
            quantities=(Quantity(key="error_low"),),
            metrics=("error-low",),
        ),
    ]
"""
SMOKE = ("--profile", "smoke")


@pytest.fixture
def plugin(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "mine.py").write_text(STUDY)
    return "--plugins-dir", "studies"


@pytest.mark.slow
def test_study_of_a_plugin_is_run_and_shown_with_its_gaps(
    fwibench: Command, tmp_path: Path, salt: Dataset, plugin: tuple[str, str]
) -> None:
    listed = json.loads(fwibench(*plugin, "study", "list", "--json").stdout)
    assert next(one for one in listed if one["name"] == "tiny")["datasets"] == ["salt"]
    before = fwibench(*plugin, "study", "show", "tiny", *SMOKE, "--results", tmp_path)
    assert before.returncode == 1
    assert before.stdout.count("not run") >= 2
    done = fwibench(*plugin, "study", "run", "mine", *SMOKE)
    assert done.returncode == 1, "a case has no result"
    assert "there is no method named 'no-such-method'" in done.stdout
    assert "cannot be told  the neighbour is better" in done.stdout
    assert "2 cells in" in done.stdout
    again = fwibench(*plugin, "study", "run", "tiny", *SMOKE, "--json")
    assert again.stderr.count("finished before") == 2
    values = json.loads(again.stdout)["studies"][0]["values"]
    assert [value["row"] for value in values if value["value"] is not None] == ["mean"] * 2 + ["neighbour"] * 2
    bands = fwibench(*plugin, "study", "run", "bands", *SMOKE, "--json")
    assert bands.stderr.count("finished before") == 1
    (value,) = json.loads(bands.stdout)["studies"][0]["values"]
    assert value["value"] > 0, "the metric was computed from the stored predictions"
    files = ("t.md", "t.csv", "t.tex", "t.html", "t.json")
    shown = fwibench(
        *plugin,
        "study",
        "show",
        "tiny",
        *SMOKE,
        *(word for name in files for word in ("--export", name)),
        "--figure",
        "t.svg",
    )
    assert shown.returncode == 1
    assert "wrote t.md, t.png, t.csv, t.tex, t.html, t.json, t.svg" in shown.stdout
    assert "published MAE" in (tmp_path / "t.md").read_text()
    assert "fwibench study run tiny --profile smoke" in (tmp_path / "t.html").read_text()
    assert len(list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))) == 6
    report = fwibench(*plugin, "report", "--study", "tiny", "--max-samples", "0")
    assert report.returncode == 0, report.stderr
    assert "Two methods without a network" in (tmp_path / "report.html").read_text()


def test_wrong_names_are_refused_with_the_closest(fwibench: Command, plugin: tuple[str, str]) -> None:
    study = fwibench(*plugin, "study", "plan", "tinny")
    assert study.returncode == 2
    assert "tiny" in study.stderr
    dataset = fwibench(*plugin, "study", "plan", "tiny", "--datasets", "sallt")
    assert dataset.returncode == 2
    assert "salt" in dataset.stderr


def test_unknown_format_is_refused_before_anything_is_read(
    fwibench: Command, plugin: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "results").mkdir()
    done = fwibench(*plugin, "study", "show", "tiny", "--export", "t.xls")
    assert done.returncode == 2
    assert ".csv" in done.stderr
