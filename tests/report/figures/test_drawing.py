from pathlib import Path

import numpy as np
import pytest

from fwibench.errors import UnknownNameError
from fwibench.methods.complexity import Complexity
from fwibench.methods.traces import Step, Trace
from fwibench.report.figures.drawing import render, stem
from fwibench.report.figures.kinds import KINDS, list_drawings
from fwibench.report.figures.style import tick, wrap
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Costs, Record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.spectra import write_spectra
from fwibench.runs.artefacts.traces import write_traces
from tests.boards.records import leave
from tests.report.figures.conftest import Open

# mathematics that cannot be parsed, a tag, a line break, letters that no font has
HOSTILE = "$\\nonsense{$<script>alert(1)</script>\n\x1b[31m\U00013000"


def hostile(root: Path, method: str) -> Record:
    record = leave(root, "x", [1.0, 2.0], chosen={"name": HOSTILE}, history=[{"epoch": 1, "val_loss": 0.5}])
    return record.model_copy(update={"unit": HOSTILE, "track": f"../../{method}"})


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_hostile_names_are_shown_unchanged(tmp_path: Path, read: Open, suffix) -> None:
    sources = read_hostile(tmp_path, read)
    drawings = list_drawings(sources)
    assert {drawing.kind for drawing in drawings} == {"training", "errors"}
    for drawing in drawings:
        content = render(drawing, suffix)
        assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml"}[suffix])
        assert b"<script" not in content
        assert "\n" not in drawing.title
        assert "\x1b" not in drawing.title
        assert "/" not in drawing.name


def read_hostile(root: Path, read: Open):
    record = hostile(root, "etc/passwd")
    write_record(record, RunFiles(Results(root).folder(record.cell)).record)
    return read()


def test_stems_are_safe_as_file_names() -> None:
    assert stem("cost", "../../etc/passwd", "") == "cost-..-..-etc-passwd"
    for text in ("../..", "/etc/passwd", "C:\\x", "a\x00b", ".hidden", "x" * 1000, "con\n", "", "é" * 3):
        name = stem(text)
        assert name
        assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789.-")
        assert not name.startswith(".")
        assert len(name) <= 100


def test_names_of_figures_are_unique(tmp_path: Path, read: Open) -> None:
    for dataset in ("salt[a=1]", "salt[a?1]", "salt-a-1"):
        leave(tmp_path, "x", [1.0, 2.0], dataset=dataset)
    names = [drawing.name for drawing in list_drawings(read(), ["errors"])]
    assert len(names) == len(set(names)) == 3


def test_the_same_runs_give_the_same_bytes(tmp_path: Path, read: Open) -> None:
    leave(tmp_path, "x", [1.0, 2.0, 30.0], history=[{"epoch": 1, "val_loss": 0.5}, {"epoch": 2, "val_loss": 0.4}])
    for suffix in ("svg", "png"):
        first, second = ([render(drawing, suffix) for drawing in list_drawings(read())] for _ in range(2))
        assert first == second


def test_a_single_value_is_enough(tmp_path: Path, read: Open) -> None:
    costs = {"complexity": Complexity(parameters=0, parameters_closed_form=0), "costs": Costs(predict_ms_cpu1=1.0)}
    record = leave(tmp_path, "x", [1.0], history=[{"epoch": 1, "val_loss": 0.5}], **costs)
    folder = Results(tmp_path).folder(record.cell)
    write_spectra({"A": [2.0]}, folder)
    write_traces(folder, ["s-000"], [Trace([Step("all", 1, 1.0, 0.1)], {"start": np.zeros((1, 2, 2), np.float32)})])
    drawings = list_drawings(read())
    assert [drawing.kind for drawing in drawings] == ["training", "cost", "errors", "convergence", "spectrum"]
    for drawing in drawings:
        assert render(drawing, "png")


def test_only_selected_kinds_are_listed(tmp_path: Path, read: Open) -> None:
    for dataset in ("salt", "marmousi"):
        leave(tmp_path, "x", [1.0, 2.0], dataset=dataset, history=[{"epoch": 1, "val_loss": 0.5}])
    assert len(list_drawings(read())) == 4
    drawings = list_drawings(read(), ["training"])
    assert {(one.kind, one.setting.dataset) for one in drawings} == {("training", "salt"), ("training", "marmousi")}
    with pytest.raises(UnknownNameError, match="trainings"):
        list_drawings(read(), ["trainings"])
    assert list(KINDS) == ["panels", "training", "cost", "errors", "convergence", "resolution", "spectrum"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1e-8, "1e-8"),
        (0.01, "0.01"),
        (2000, "2000"),
        (1e4, "10k"),
        (2.5e6, "2.50M"),
        (1e12, "1T"),
        (1e16, "1e16"),
    ],
)
def test_numbers_beside_an_axis_are_plain_text(value: float, text: str) -> None:
    assert tick(value) == text


def test_long_names_are_broken_where_they_can_be() -> None:
    assert wrap("multiscale-fwi[bands=full,iterations=500]", 18) == "multiscale-fwi\n[bands=full,\niterations=500]"
    assert wrap("invlint", 18) == "invlint"
    assert max(map(len, wrap("x" * 200, 18).split("\n"))) <= 20
