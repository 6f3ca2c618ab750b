"""Disk space that a plan needs, against the free space."""

import math
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from fwibench.cli.app import main
from fwibench.datasets.base import Dataset
from fwibench.datasets.store import MARGIN
from fwibench.plugins.registry import Registry
from fwibench.runs.planning.disk import datasets_to_prepare, disks
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import PlannedCell, make_plan

Usage = namedtuple("Usage", "total used free")


def planned(registry: Registry, tmp_path: Path, dataset: str, **others: Any) -> list[PlannedCell]:
    request = read_request(registry, "mean-map", dataset, results=tmp_path / "results", **others)
    return make_plan(request, registry)


def test_datasets_on_one_disk_add_up(registry: Registry, tmp_path: Path) -> None:
    cells = planned(registry, tmp_path, "kimberlina-leakage,marmousi", profile="paper")
    data = sum(one.dataset.missing_bytes() for one in cells)
    maps = sum(
        4 * len(one.dataset.indices(one.cell.split)["test"]) * math.prod(one.dataset.problem.property_shape)
        for one in cells
    )
    found = disks(cells, tmp_path / "results")
    assert sum(one.needed for one in found) == pytest.approx(MARGIN * (data + maps))
    assert data > 1e11
    assert all(one.folder.exists() for one in found)


def test_samples_that_several_cells_share_count_once(registry: Registry, tmp_path: Path) -> None:
    (once,) = disks(planned(registry, tmp_path, "marmousi", test_samples=1), tmp_path)
    (noisy,) = disks(planned(registry, tmp_path, "marmousi,marmousi[snr=10]", test_samples=1), tmp_path)
    prediction = MARGIN * 4 * math.prod(planned(registry, tmp_path, "marmousi")[0].dataset.problem.property_shape)
    assert noisy.needed - once.needed == pytest.approx(prediction)


def test_prepared_dataset_needs_no_space(registry: Registry, salt: Dataset, tmp_path: Path) -> None:
    cells = planned(registry, tmp_path, "salt", profile="smoke")
    assert datasets_to_prepare(cells) == []
    (only,) = disks(cells, tmp_path)
    assert only.what == ("predictions",)


@pytest.mark.parametrize(("free", "warned"), [(71e9, True), (10**12, False)])
def test_plan_warns_of_too_small_disk(
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    free: float,
    warned: bool,
) -> None:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**13, 0, int(free)))
    words = ["plan", "--methods", "mean-map", "--dataset", "kimberlina-leakage", "--profile", "paper"]
    with pytest.raises(SystemExit, match="0"):
        main([*words, "--results", str(tmp_path / "results")])
    shown = capsys.readouterr()
    assert ("warning: kimberlina-leakage, predictions need" in shown.err) is warned
    assert ("71.00 GB are free" in shown.err) is warned
    assert "92.92GB" in shown.out
