"""Figures of studies: each kind is drawn from what was measured, and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from fwibench.plugins.registry import load_registry
from fwibench.report.figures.drawing import render
from fwibench.report.study.figures import study_drawings
from fwibench.runs.artefacts.results import Results
from fwibench.specs.study import Quantity
from tests.studies.made_up import make_case, make_results, make_spec, with_scores

ERRORS = np.linspace(90, 110, 8)
CASES = {
    "bars": [make_case(row) for row in "abc"],
    "curves": [make_case(row, column=f"{x:g}", x=x) for row in "ab" for x in (0.1, 1.0, 10.0)],
    "scatter": [make_case(row) for row in "ab"],
    "matrix": [make_case(row, column=column) for row in "ab" for column in "xyz"],
}


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("complete", [True, False])
def test_figure_is_drawn_with_and_without_gaps(kind: str, complete: bool, tmp_path: Path) -> None:
    cases = CASES[kind]
    measured = cases if complete else cases[:2]
    spec = make_spec(cases, figure=kind, logarithmic=kind == "curves")
    study = make_results(spec, [with_scores(case, ERRORS * (1 + n)) for n, case in enumerate(measured)])
    (drawing,) = study_drawings(study, Results(tmp_path), load_registry(only=()))
    assert drawing.kind == kind
    assert render(drawing, "png").startswith(b"\x89PNG")


def test_scatter_of_counts_alone_is_drawn(tmp_path: Path) -> None:
    cases = CASES["scatter"]
    count = Quantity(key="n_test", exact=True)
    study = make_results(
        make_spec(cases, figure="scatter", quantities=(count,)), [with_scores(case, ERRORS) for case in cases]
    )
    (drawing,) = study_drawings(study, Results(tmp_path), load_registry(only=()))
    assert render(drawing, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize(("largest", "scale"), [(2.0, "linear"), (100.0, "log")])
def test_matrix_of_very_different_errors_has_logarithmic_colours(largest: float, scale: str, tmp_path: Path) -> None:
    cases = CASES["matrix"]
    study = make_results(
        make_spec(cases, figure="matrix"),
        [with_scores(case, ERRORS * factor) for case, factor in zip(cases, np.geomspace(1, largest, 6), strict=True)],
    )
    (drawing,) = study_drawings(study, Results(tmp_path), load_registry(only=()))
    assert "intervals" not in drawing.caption, "a matrix shows none"
    _, bar = drawing.draw().axes
    assert bar.get_yscale() == scale


def test_nothing_is_drawn_without_results(tmp_path: Path) -> None:
    study = make_results(make_spec(CASES["bars"]), [])
    assert study_drawings(study, Results(tmp_path), load_registry(only=())) == []
