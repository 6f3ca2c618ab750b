"""Resolution: curves are the errors of the stored predictions, on samples that the methods share."""

from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.metrics.resolution import band_limits, error_by_wavenumber
from fwibench.report.figures.drawing import Drawing, render
from fwibench.report.figures.kinds import list_drawings
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import Predictions, read_predictions, write_predictions
from tests.report.figures.conftest import Open
from tests.report.figures.test_panels import predict


def only(sources: Sources) -> Drawing:
    (drawing,) = list_drawings(sources, ["resolution"])
    return drawing


def deepen(folder: Path) -> None:
    """Adds 90 m/s to the lower half of the predictions of a run."""
    found = read_predictions(folder)
    maps = found.maps.copy()
    maps[:, :, maps.shape[2] // 2 :] += 90
    write_predictions(Predictions(found.ids, maps), folder)


def test_curves_are_errors_by_depth_and_by_wavenumber(salt: Dataset, tmp_path: Path, read: Open) -> None:
    predict(tmp_path, salt, "far", -200)
    folder = predict(tmp_path, salt, "near", 10)
    deepen(folder)
    drawing = only(read())
    figure = drawing.draw()
    left, right = figure.axes
    near, far = (line for line in left.lines if len(line.get_xdata()) > 2)
    rows = salt.problem.grid.nz
    np.testing.assert_allclose(near.get_xdata(), np.repeat([10, 100], rows // 2), atol=1e-3)
    np.testing.assert_allclose(far.get_xdata(), 200, atol=1e-3)
    np.testing.assert_allclose(near.get_ydata(), np.arange(rows) * salt.problem.grid.spacing / 1e3)
    assert left.get_ylim()[0] > left.get_ylim()[1], "depth increases downwards"
    truth = salt.split("random", "test").properties[:]
    expected = error_by_wavenumber(read_predictions(folder).maps, truth, salt.problem)
    (curve, _) = (line for line in right.lines if len(line.get_xdata()) > 2)
    np.testing.assert_allclose(curve.get_xdata(), 1e3 * expected.wavenumbers)
    np.testing.assert_allclose(curve.get_ydata(), expected.errors)
    limits = [line.get_xdata()[0] for line in right.lines if line.get_linestyle() == ":"]
    assert limits == pytest.approx([1e3 * one for one in band_limits(salt.problem)])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["near", "far"]
    assert [text.get_text() for text in right.texts] == ["low", "mid", "high"]
    assert (left.get_xlabel(), right.get_ylabel()) == ("mean absolute error [m/s]", "relative L2 error")


def test_caption_says_samples_thirds_and_bands(salt: Dataset, tmp_path: Path, read: Open) -> None:
    predict(tmp_path, salt, "near", 10)
    caption = only(read()).caption
    assert "3 test samples" in caption
    assert "near has 10.0, 10.0 and 10.0 m/s from the upper to the lower third" in caption
    assert "at 2 and 8 cycles per km" in caption
    assert "a wavelength of 250 m" in caption


def test_exact_predictions_and_those_that_overflow_can_be_drawn(salt: Dataset, tmp_path: Path, read: Open) -> None:
    predict(tmp_path, salt, "exact", 0)
    assert render(only(read()), "png").startswith(b"\x89PNG")
    predict(tmp_path, salt, "huge", 1e30)
    assert render(only(read()), "svg").startswith(b"<?xml")


def test_methods_without_predictions_are_named_and_left_out(salt: Dataset, tmp_path: Path, read: Open) -> None:
    predict(tmp_path, salt, "near", 10)
    RunFiles(predict(tmp_path, salt, "far", -200)).predictions.unlink()
    sources = read()
    drawing = only(sources)
    assert drawing.caption.endswith("Left out: far.")
    assert any("predictions" in fault for fault in sources.faults)


def test_curves_are_those_of_samples_that_methods_share(salt: Dataset, tmp_path: Path, read: Open) -> None:
    predict(tmp_path, salt, "near", 10)
    folder = predict(tmp_path, salt, "swapped", 20)
    found = read_predictions(folder)
    # the order of stored predictions does not matter
    write_predictions(Predictions(found.ids[::-1], found.maps[::-1]), folder)
    left, _ = only(read()).draw().axes
    _, swapped = (line for line in left.lines if len(line.get_xdata()) > 2)
    np.testing.assert_allclose(swapped.get_xdata(), 20, atol=1e-3)
