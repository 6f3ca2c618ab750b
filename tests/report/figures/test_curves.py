"""Training, convergence and spectra: curves are those of the runs."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.errors import MethodError
from fwibench.methods.traces import Step, Trace
from fwibench.plugins.registry import Registry
from fwibench.report.figures.kinds import list_drawings
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.spectra import read_spectra, write_spectra
from fwibench.runs.artefacts.traces import write_traces
from fwibench.runs.scoring.convergence import describe_convergence
from tests.boards.records import leave
from tests.report.figures.conftest import Open


def history(*losses: float) -> list[dict[str, float]]:
    return [{"epoch": n, "train_loss": 2 * loss, "val_loss": loss} for n, loss in enumerate(losses, 1)]


def test_training_shows_each_seed_and_their_mean(tmp_path: Path, read: Open) -> None:
    leave(tmp_path, "net", [1.0, 2.0], seed=0, history=history(0.8, 0.4, 0.6))
    leave(tmp_path, "net", [1.0, 2.0], seed=1, history=history(0.4, 0.2))
    leave(tmp_path, "baseline", [3.0, 4.0])
    (drawing,) = list_drawings(read(), ["training"])
    (axes,) = drawing.draw().axes
    curves = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines if line.get_linestyle() == "-"]
    assert curves[:2] == [([1, 2, 3], [0.8, 0.4, 0.6]), ([1, 2], [0.4, 0.2])]
    # no mean where a seed is missing
    assert curves[2] == ([1, 2], pytest.approx([0.6, 0.3]))
    assert [list(line.get_ydata()) for line in axes.lines if line.get_linestyle() == "--"][1] == [0.8, 0.4]
    assert axes.get_title() == "net"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["train", "val"]
    assert axes.get_xlabel() == "epoch"
    assert "net 0.4 in epoch 2" in drawing.caption


def test_losses_at_or_below_zero_have_a_linear_axis(tmp_path: Path, read: Open) -> None:
    leave(tmp_path, "net", [1.0, 2.0], history=history(0.8, -0.4))
    (drawing,) = list_drawings(read(), ["training"])
    assert drawing.draw().axes[0].get_yscale() == "linear"


def test_a_method_on_two_choices_of_samples_is_shown_once(tmp_path: Path, read: Open) -> None:
    leave(tmp_path, "net", [1.0, 2.0], history=history(0.8))
    leave(tmp_path, "net", [1.0], test_samples=1, history=history(0.7))
    (drawing,) = list_drawings(read(), ["training"])
    (axes,) = drawing.draw().axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[1.6], [0.8]]


def invert(root: Path, fingerprint: str, test, misfits: list[list[float]], finished: Sequence[int] = (2, 2)) -> None:
    """Leaves an inversion of two bands; its models are off by 100 at first, then by 50, then by 10.

    Args:
        root: Of the results.
        fingerprint: Of the dataset.
        test: Its samples.
        misfits: Of each sample.
        finished: How many bands each sample finished.
    """
    ids = test.ids[: len(misfits)]
    record = leave(
        root, "fwi", [1.0] * len(ids), ids=ids, profile="smoke", fingerprint=fingerprint, test_samples=len(ids)
    )
    traces = []
    for i, own in enumerate(misfits):
        steps = [Step("2 Hz" if n < 3 else "full", n, misfit, n) for n, misfit in enumerate(own, 1)]
        models = {name: test.properties[i] + error for name, error in (("start", 100), ("2 Hz", 50), ("full", -10))}
        traces.append(Trace(steps, dict(list(models.items())[: 1 + finished[i]])))
    write_traces(Results(root).folder(record.cell), ids, traces)


def test_convergence_shows_misfits_bands_and_errors(salt: Dataset, tmp_path: Path, read: Open) -> None:
    test = salt.split("random", "test").spread(2)
    invert(tmp_path, salt.fingerprint, test, [[8.0, 4.0, 6.0, 2.0], [4.0, 2.0, 2.0]])
    (drawing,) = list_drawings(read(), ["convergence"])
    misfit, errors = drawing.draw().axes
    assert curves_of(misfit) == [
        ([1, 2], [8.0, 4.0]),
        ([1, 2], [4.0, 2.0]),
        ([1, 2], [6.0, 3.0]),
        ([3, 4], [6.0, 2.0]),
        ([3], [2.0]),
        ([3], [4.0]),
    ]
    assert [(text.get_text(), text.xy[0]) for text in misfit.texts] == [("2 Hz", 1), ("full", 3)]
    assert misfit.get_yscale() == "log"
    for line in errors.lines:
        np.testing.assert_allclose(line.get_ydata(), [100, 50, 10], rtol=1e-4)
    assert len(errors.lines) == 3
    assert [text.get_text() for text in errors.get_xticklabels()] == ["start", "2 Hz", "full"]
    assert errors.get_ylabel() == "MAE [m/s]"
    assert "from 6.00 to 2.00" in drawing.caption
    assert "from 100 to 10.0 m/s" in drawing.caption


def curves_of(axes) -> list[tuple[list[float], list[float]]]:
    """Misfits of the samples and their mean, band by band; the lines that part the bands are none."""
    lines = [line for line in axes.lines if line.get_linestyle() != ":"]
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in lines]


def test_bands_of_different_lengths_are_averaged_separately(tmp_path: Path, read: Open) -> None:
    """The second sample leaves the first band earlier; the third never reaches the second band."""
    record = leave(tmp_path, "fwi", [1.0] * 3)
    courses = {"s-000": "aaab", "s-001": "abbb", "s-002": "aa"}
    traces = [Trace([Step(band, n, 10.0 * n, n) for n, band in enumerate(own, 1)]) for own in courses.values()]
    for trace, own in zip(traces, courses.values(), strict=True):
        trace.models = dict.fromkeys(["start", *own], np.zeros((1, 2, 2), np.float32))
    write_traces(Results(tmp_path).folder(record.cell), list(courses), traces)
    (drawing,) = list_drawings(read(), ["convergence"])
    assert curves_of(drawing.draw().axes[0]) == [
        ([1, 2, 3], [10.0, 20.0, 30.0]),
        ([1], [10.0]),
        ([1, 2], [10.0, 20.0]),
        ([1], [10.0]),
        ([4], [40.0]),
        ([4, 5, 6], [20.0, 30.0, 40.0]),
    ], "no mean of the second band"
    assert "from 10.0, with different last bands." in drawing.caption


def test_a_mean_covers_all_samples_or_is_not_drawn(
    salt: Dataset, tmp_path: Path, read: Open, registry: Registry
) -> None:
    """The second sample does not finish the last band, and the third does not come there."""
    test = salt.split("random", "test").spread(3)
    invert(tmp_path, salt.fingerprint, test, [[8.0, 4.0, 6.0], [4.0, 2.0, 2.0], [3.0, 2.0]], finished=[2, 1, 1])
    sources = read()
    (drawing,) = list_drawings(sources, ["convergence"])
    assert "from 100 to 50.0 m/s at the end of 2 Hz; the end of full was reached by 1 of 3 samples." in drawing.caption
    (record,) = sources.records
    start, first, last = describe_convergence(record, sources.results.folder(record.cell), registry)
    assert (start.samples, round(start.mae or 0)) == (3, 100)
    assert (first.samples, first.first, first.last, round(first.mae or 0)) == (3, 5.0, pytest.approx(8 / 3), 50)
    assert (last.samples, last.iterations) == (2, 2)
    assert (last.first, last.last, last.seconds, last.mae) == (None, None, None, None)


def test_without_data_only_the_misfit_is_shown(salt: Dataset, tmp_path: Path, read: Open) -> None:
    invert(tmp_path, "e" * 64, salt.split("random", "test").spread(2), [[2.0, 1.0], [2.0, 1.0]])
    sources = read()
    (drawing,) = list_drawings(sources, ["convergence"])
    assert len(drawing.draw().axes) == 1
    assert "MAE" not in drawing.caption
    assert sources.faults


def test_unreadable_traces_are_reported(salt: Dataset, tmp_path: Path, read: Open) -> None:
    invert(tmp_path, salt.fingerprint, salt.split("random", "test").spread(1), [[2.0, 1.0]])
    next(tmp_path.glob("runs/*/traces.csv")).write_text("id,band,iteration,misfit,seconds\na,b,one,2,3\n")
    sources = read()
    assert list_drawings(sources, ["convergence"]) == []
    assert "traces.csv cannot be read" in sources.faults[0]


def test_spectra_of_datasets_share_a_figure_and_are_divided_by_their_largest_value(tmp_path: Path, read: Open) -> None:
    for dataset, values in (("salt", [8.0, 4.0, 0.04, 0.0]), ("marmousi", [2.0, 1.0])):
        record = leave(tmp_path, "linear", [1.0, 2.0], dataset=dataset)
        write_spectra({"values of A": values}, Results(tmp_path).folder(record.cell))
    again = leave(tmp_path, "linear", [1.0], dataset="marmousi", test_samples=1)
    write_spectra({"values of A": [2.0, 1.0]}, Results(tmp_path).folder(again.cell))
    (drawing,) = list_drawings(read(), ["spectrum"])
    (axes,) = drawing.draw().axes
    curves = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}
    assert len(axes.lines) == 2
    assert curves == {"salt": ([1, 2, 3, 4], [1.0, 0.5, 0.005, 0.0]), "marmousi": ([1, 2], [1.0, 0.5])}
    assert axes.get_yscale() == "log"
    assert (drawing.setting.dataset, drawing.setting.split) == ("", "random")
    assert "2 of 4 (salt)" in drawing.caption
    assert drawing.title == "linear: values of A"


def test_the_first_run_with_a_history_or_spectrum_is_shown(tmp_path: Path, read: Open) -> None:
    """Neither the row of most samples nor the first seed has one."""
    leave(tmp_path, "linear", [1.0, 2.0])
    for seed in (0, 1, 2):
        record = leave(tmp_path, "linear", [1.0], seed=seed, test_samples=1, history=history(0.1 * seed) * (seed > 0))
        if seed:
            folder = Results(tmp_path).folder(record.cell)
            write_spectra({"A": [2.0 * seed, 1.0]}, folder)
            models = {"start": np.zeros((1, 2, 2), np.float32)}
            write_traces(folder, ["s-000"], [Trace([Step("all", 1, seed, 0.1)], models)])
    training, convergence, spectrum = list_drawings(read(), ["training", "convergence", "spectrum"])
    assert [list(line.get_ydata()) for line in training.draw().axes[0].lines[:2]] == [[0.2], [0.4]]
    assert "linear, seed 1: " in convergence.caption
    assert [list(line.get_ydata()) for line in spectrum.draw().axes[0].lines] == [[1.0, 0.5]]


def test_damaged_spectra_are_reported(tmp_path: Path, read: Open) -> None:
    record = leave(tmp_path, "linear", [1.0, 2.0])
    (Results(tmp_path).folder(record.cell) / "spectra.json").write_text(json.dumps({"A": [1, 2]}))
    sources = read()
    assert list_drawings(sources, ["spectrum"]) == []
    assert "cannot be read as spectra" in sources.faults[0]


@pytest.mark.parametrize("values", [[1.0, 2.0], [0.0, 0.0], [], [[1.0]], [2.0, float("nan")], [1.0, -1.0]])
def test_an_invalid_spectrum_raises(tmp_path: Path, values: list[float]) -> None:
    with pytest.raises(MethodError, match=r"spectra\(\)\['A'\]"):
        write_spectra({"A": values}, tmp_path)


def test_spectra_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_spectra(tmp_path) == {}
    write_spectra({"A/../b": np.array([3.0, 0.1])}, tmp_path)
    assert {name: list(values) for name, values in read_spectra(tmp_path).items()} == {"A/../b": [3.0, 0.1]}
    (tmp_path / "empty").mkdir()
    write_spectra({}, tmp_path / "empty")
    assert not list((tmp_path / "empty").iterdir())
