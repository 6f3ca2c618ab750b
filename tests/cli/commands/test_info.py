import json
import os
from pathlib import Path

import pytest

from fwibench.plugins.registry import Registry
from tests.conftest import Command

DATASETS = {"kimberlina-leakage", "marmousi", "salt", "kimberlina-reservoir"}


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """A data folder that must stay absent."""
    return {"FWIBENCH_DATA": str(tmp_path / "data")}


@pytest.mark.slow
def test_costs_are_shown_beside_published_values(fwibench: Command, tmp_path: Path, nowhere: dict[str, str]) -> None:
    done = fwibench("info", "inversionnet", "--dataset", "salt", **nowhere)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for words in (
        "13,742,371",
        "13.74M",
        "published: InvLINT, table 1",
        "32.37M",
        "MACs (printed as FLOPs) cannot agree",
        "Conv2d",
    ):
        assert words in done.stdout
    assert os.listdir(tmp_path) == [], "no data are made"


@pytest.mark.slow
def test_options_change_the_layers(fwibench: Command, nowhere: dict[str, str]) -> None:
    one, two = (
        json.loads(fwibench("info", f"invlint[layers={n}]", "--dataset", "salt", "--json", **nowhere).stdout)
        for n in (1, 2)
    )
    assert two["complexity"]["parameters"] - one["complexity"]["parameters"] == 789_760
    assert one["options"]["epochs"] == 1000, "the value of the quick profile"
    assert sum(layer["macs"] for layer in two["layers"]) == two["complexity"]["macs"]
    assert sum(layer["parameters"] for layer in two["layers"]) == two["complexity"]["parameters"]
    printed = {entry["source"]: entry["mae"] for entry in one["published"] if entry["dataset"] == "salt"}
    assert len(printed) == len(one["published"]) == 2, "only those of this dataset"
    assert printed["InvLINT, section 4.5, 5 samples"] == 26.1


def test_costs_known_only_after_fit_are_announced(fwibench: Command, nowhere: dict[str, str]) -> None:
    done = fwibench("info", "mean-map", "--dataset", "salt", **nowhere)
    assert done.returncode == 0, done.stderr
    assert "known after fit" in done.stdout
    known = json.loads(fwibench("info", "mean-map", "--dataset", "salt", "--json", **nowhere).stdout)
    assert known["complexity"] is None
    assert known["layers"] == []


ELECTROMAGNETIC = """
from fwibench import MethodSpec, hookimpl

@hookimpl
def fwibench_methods():
    return [MethodSpec(name="coils", summary="x", target="absent:Coils", kind="learned", measurements=("em",))]
"""

INVALID = {
    "a dataset": ("invlint", "slat", "did you mean salt"),
    "a method": ("invlnt", "salt", "did you mean invlint"),
    "an option": ("invlint[layer=2]", "salt", "did you mean layers"),
    "two methods": ("invlint[layers=1|2]", "salt", "selects 2 methods, expected one"),
    "two datasets": ("invlint", "salt,marmousi", "selects 2 datasets, expected one"),
    "another kind of data": ("coils", "salt", "coils accepts em data, salt is seismic"),
}


@pytest.mark.parametrize(("method", "dataset", "message"), INVALID.values(), ids=INVALID)
def test_invalid_argument_is_an_error_with_a_hint(
    method: str, dataset: str, message: str, fwibench: Command, tmp_path: Path
) -> None:
    (tmp_path / "coils.py").write_text(ELECTROMAGNETIC)
    done = fwibench("--plugins-dir", ".", "info", method, "--dataset", dataset)
    assert done.returncode == 2
    assert message in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr


def test_published_values_are_listed_without_a_dataset(fwibench: Command) -> None:
    shown = fwibench("info", "invlint").stdout
    assert "published" in shown
    assert all(name in shown for name in DATASETS)
    assert "published" not in fwibench("info", "mean-map").stdout


@pytest.mark.parametrize("name", ["invlint", "inversionnet"])
def test_every_row_of_table_1_is_published(name: str, registry: Registry) -> None:
    published = [entry for entry in registry.method(name).spec.published if entry.source == "InvLINT, table 1"]
    assert {entry.dataset for entry in published} == DATASETS
    assert all(entry.note and entry.parameters and entry.macs and entry.mae for entry in published)


def test_unknown_name_suggests_closest_name(fwibench: Command) -> None:
    done = fwibench("info", "invlnt")
    assert done.returncode == 2, done.stderr
    assert "did you mean invlint" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_describes_options(fwibench: Command) -> None:
    assert json.loads(fwibench("info", "invlint", "--json").stdout)["options"]["alpha"]["description"]
