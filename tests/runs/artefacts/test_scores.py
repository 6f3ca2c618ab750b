"""Tables of scores: what was written is read, and damaged tables are named."""

from pathlib import Path

import numpy as np
import pytest

from fwibench.errors import RecordError
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.scores import Scores, read_scores, write_scores

VALUES = {"mae": np.array([1.5, np.nan, 1 / 3]), "ssim": np.array([0.1, 0.2, 1e-300])}
PLAIN = ("a", "b", "c")
QUOTED = ("a,b", 'b"c', "two\nlines")


@pytest.mark.parametrize("groups", [(), ("g", "g", "h")])
@pytest.mark.parametrize("ids", [PLAIN, QUOTED])
def test_scores_are_read_as_written(tmp_path: Path, ids: tuple[str, ...], groups: tuple[str, ...]) -> None:
    write_scores(Scores(ids, VALUES, groups), tmp_path)
    found = read_scores(tmp_path)
    assert (found.ids, found.groups) == (ids, groups)
    for name, values in VALUES.items():
        np.testing.assert_array_equal(found.values[name], values)
    assert list(read_scores(tmp_path, ["ssim", "absent"]).values) == ["ssim"]


@pytest.mark.parametrize("table", ["id,mae\na,1\nb,2", "id,mae\r\na,1\r\nb,2\r\n", '"id",mae\na,1\n"b",2\n'])
def test_other_ways_to_write_a_table(tmp_path: Path, table: str) -> None:
    RunFiles(tmp_path).scores.write_bytes(table.encode())
    found = read_scores(tmp_path)
    assert found.ids == ("a", "b")
    assert found.values["mae"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize(
    "lines",
    [
        ["a,1,2", "b,3"],
        ["a,1", "b,3,4"],
        ["a,1", "b,3,4,5"],
        ["a,1,2", "b,3,4,5"],
        ["a,1,2", "", "b,3,4"],
        ["a,1,2,3", "b,4,5,6"],
        ["a,1,x", "b,1,2"],
        ["a,1,2", "a,1,2"],
        ["a,1,2", "b,1,1e300"],
        [],
    ],
)
def test_damaged_tables_are_refused(tmp_path: Path, lines: list[str], quoted: bool) -> None:
    header = '"id",mae,ssim' if quoted else "id,mae,ssim"
    path = RunFiles(tmp_path).scores
    path.write_text("\n".join([header, *lines]) + "\n")
    with pytest.raises(RecordError) as error:
        read_scores(tmp_path)
    assert str(path) in error.value.message
    assert "rescore" in error.value.hint
