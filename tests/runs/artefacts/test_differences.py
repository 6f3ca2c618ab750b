"""Differences between two results folders."""

from pathlib import Path

import pytest

from fwibench.runs.artefacts.differences import find_differences
from fwibench.runs.artefacts.results import Results
from tests.boards.records import leave


def test_differences_include_cells_status_and_scores(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for root, shift in ((first, 0.0), (second, 1e-9)):
        leave(root, "same", [1.0 + shift])
    leave(first, "a", [1.0])
    leave(second, "b", [1.0])
    leave(first, "changed", [2.0])
    leave(second, "changed", [3.0])
    leave(first, "broke", [2.0])
    leave(second, "broke", None)
    ours, theirs = (Results(root).records()[0] for root in (first, second))
    found = find_differences(ours, theirs)
    assert [len(found.only_first), len(found.only_second), found.same] == [1, 1, 1]
    status, mae, ssim = found.changes
    assert (status.what, status.first, status.second, status.size) == ("status", "ok", "failed", None)
    assert (mae.what, mae.size, mae.relative) == ("mae", 1, 0.5)
    assert ssim.size == pytest.approx(1 / 4 - 1 / 3)
    assert find_differences(ours, ours).equal
    assert find_differences(ours, theirs, tolerance=0).same == 0
