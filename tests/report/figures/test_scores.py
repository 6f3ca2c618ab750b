"""Costs and errors: what is drawn is what the board says."""

from pathlib import Path

import numpy as np
import pytest

from fwibench.methods.complexity import Complexity
from fwibench.report.figures.kinds import list_drawings
from fwibench.runs.artefacts.record import Costs
from tests.boards.records import leave
from tests.report.figures.conftest import Open

IDS = [f"s-{number:03d}" for number in range(8)]


def leave_costly(
    root: Path, method: str, mae: object, size: int | None, milliseconds: float | None, **more: object
) -> None:
    leave(
        root,
        method,
        mae,
        complexity=Complexity(parameters=size, parameters_closed_form=0, flops=size),
        costs=Costs(predict_ms_cpu1=milliseconds),
        **more,
    )


def ends_of(axes) -> list[tuple[float, float, float, float]]:
    """Cost, MAE and both ends of the interval of each point."""
    found = []
    for container in axes.containers:
        line, _, (bar,) = container.lines
        (start, end) = bar.get_segments()[0]
        found.append((float(line.get_xdata()[0]), float(line.get_ydata()[0]), float(start[1]), float(end[1])))
    return found


def test_points_and_intervals_equal_those_of_the_board(tmp_path: Path, read: Open) -> None:
    generator = np.random.default_rng(0)
    for method, size in (("large", 5_000_000), ("small", 2_000)):
        leave_costly(tmp_path, method, generator.uniform(10, 20, 8), size, size / 1e3)
    sources = read()
    (drawing,) = list_drawings(sources, ["cost"])
    axes = drawing.draw().axes
    expected = [(row["parameters"], row["mae"], row["mae_ci_low"], row["mae_ci_high"]) for row in sources.board.rows]
    assert ends_of(axes[0]) == [pytest.approx(one) for one in expected]
    assert [one[0] for one in ends_of(axes[2])] == [one[0] / 1e3 for one in expected]
    assert axes[0].get_ylabel() == "MAE [m/s]"
    assert axes[2].get_xlabel() == "one sample on one CPU thread [ms]"
    assert {one.get_xscale() for one in axes} == {"log"}
    assert "8 test samples" in drawing.caption


def test_methods_of_a_figure_are_scored_on_the_samples_they_share(tmp_path: Path, read: Open) -> None:
    leave_costly(tmp_path, "all", np.arange(1.0, 9), 10, 1.0, ids=IDS)
    leave_costly(tmp_path, "few", [9.0, 9.0], 10, 1.0, ids=[IDS[1], IDS[3]], test_samples=2)
    (drawing,) = list_drawings(read(), ["cost"])
    assert [one[1] for one in ends_of(drawing.draw().axes[0])] == [3.0, 9.0]
    assert "2 test samples" in drawing.caption


def test_what_was_not_measured_is_left_out_and_a_zero_is_not(tmp_path: Path, read: Open) -> None:
    leave_costly(tmp_path, "known", [1.0, 2.0], 1_000, 1.0)
    leave_costly(tmp_path, "zero", [2.0, 3.0], 0, 2.0)
    leave_costly(tmp_path, "small", [2.0, 4.0], 50, None)
    leave_costly(tmp_path, "unknown", [3.0, 4.0], None, None)
    (drawing,) = list_drawings(read(), ["cost"])
    figure = drawing.draw()
    assert [len(ends_of(axes)) for axes in figure.axes] == [3, 3, 2]
    place = ends_of(figure.axes[0])[1][0]
    assert place == 5
    ticks = dict(zip(figure.axes[0].get_xticks(), figure.axes[0].get_xticklabels(), strict=True))
    assert ticks[place].get_text() == "0"
    assert "Left out: unknown, without any cost." in drawing.caption
    assert "Not measured: one sample on one CPU thread [ms] of small." in drawing.caption
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["known", "zero", "small"]


def test_errors_are_the_scores_mean_over_the_seeds(tmp_path: Path, read: Open) -> None:
    leave(tmp_path, "worse", [10.0, 20.0, 60.0])
    leave(tmp_path, "better", [1.0, 2.0, 3.0], seed=0)
    leave(tmp_path, "better", [3.0, 4.0, 5.0], seed=1)
    (drawing,) = list_drawings(read(), ["errors"])
    (axes,) = drawing.draw().axes
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in points] == [[2.0, 3.0, 4.0], [10.0, 20.0, 60.0]]
    means = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "D"]
    assert means == [3.0, 30.0]
    # the best on top
    names = {text.get_text(): place for place, text in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)}
    assert names == {"better": 2, "worse": 1}
    assert [float(np.mean(line.get_ydata())) for line in points] == [
        pytest.approx(2, abs=0.3),
        pytest.approx(1, abs=0.3),
    ]
    assert axes.get_xlabel() == "MAE of a test sample [m/s]"
    assert "better: median 3.00 m/s, from 2.00 to 4.00" in drawing.caption


def test_methods_scored_on_other_numbers_of_samples_have_separate_figures(tmp_path: Path, read: Open) -> None:
    leave(tmp_path, "all", np.arange(1.0, 9), ids=IDS)
    leave(tmp_path, "few", [9.0, 9.0], ids=[IDS[1], IDS[3]], test_samples=2)
    names = [drawing.name for drawing in list_drawings(read(), ["errors"])]
    assert names == ["errors-salt-random-quick-standard-n2", "errors-salt-random-quick-standard-n8"]


def test_methods_scored_on_different_samples_are_not_drawn_together(tmp_path: Path, read: Open) -> None:
    leave(tmp_path, "one", [1.0, 2.0], ids=["a", "b"])
    leave(tmp_path, "two", [1.0, 2.0], ids=["a", "c"])
    sources = read()
    assert list_drawings(sources, ["errors"]) == []
    assert "different test samples" in sources.faults[0]


def test_failed_runs_are_left_out(tmp_path: Path, read: Open) -> None:
    leave(tmp_path, "good", [1.0, 2.0])
    leave(tmp_path, "bad", None)
    (drawing,) = list_drawings(read())
    assert drawing.kind == "errors"
    assert [text.get_text() for text in drawing.draw().axes[0].get_yticklabels()] == ["good"]
