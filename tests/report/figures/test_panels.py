from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.path import Path as Path_

from fwibench.datasets.base import Dataset
from fwibench.errors import UnknownNameError
from fwibench.report.figures.drawing import Drawing
from fwibench.report.figures.kinds import list_drawings
from fwibench.report.figures.panels import MOST, choose
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.predictions import Predictions, write_predictions
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.samples import pack_samples, write_samples
from tests.boards.records import leave
from tests.report.figures.conftest import Open


def predict(root: Path, salt: Dataset, method: str, error: float, seed: int = 0) -> Path:
    """Leaves a run whose maps are off by so much everywhere."""
    test = salt.split("random", "test")
    maps = test.properties[:] + np.float32(error)
    record = leave(
        root,
        method,
        np.full(len(test), abs(error)),
        ids=test.ids,
        seed=seed,
        profile="smoke",
        fingerprint=salt.fingerprint,
    )
    folder = Results(root).folder(record.cell)
    write_predictions(Predictions(test.ids, maps), folder)
    return folder


def only(sources: Sources) -> Drawing:
    (drawing,) = list_drawings(sources, ["panels"])
    return drawing


def test_maps_share_the_bounds_and_errors_share_another_scale(salt: Dataset, tmp_path: Path, read: Open) -> None:
    predict(tmp_path, salt, "far", -200)
    predict(tmp_path, salt, "near", 10)
    figure = only(read()).draw()
    test, bounds = salt.split("random", "test"), salt.problem.property
    images = [axes.get_images()[0] for axes in figure.axes if axes.get_images() and axes.get_xlabel() != "bar"]
    maps = [image for image in images if image.get_cmap().name == "cividis"]
    errors = [image for image in images if image.get_cmap().name == "magma_r"]
    rows = min(len(test), 3)
    assert (len(maps), len(errors)) == (3 * rows, 2 * rows)
    assert {image.get_clim() for image in maps} == {(bounds.low, bounds.high)}
    assert len({image.get_clim() for image in errors}) == 1
    assert errors[0].get_clim() == pytest.approx((0, 200), rel=1e-4)
    # the better one comes first, whatever the order of the runs
    for row in range(rows):
        truth, near, far = (image.get_array() for image in maps[3 * row : 3 * row + 3])
        np.testing.assert_array_equal(truth, test.properties[row][0])
        np.testing.assert_allclose(near - truth, 10, atol=1e-3)
        np.testing.assert_allclose(far - truth, -200, atol=1e-3)
        np.testing.assert_allclose(errors[2 * row].get_array(), 10, atol=1e-3)
        np.testing.assert_allclose(errors[2 * row + 1].get_array(), 200, atol=1e-3)
    grid = salt.problem.grid
    right, bottom = (grid.nx - 1) * grid.spacing / 1e3, (grid.nz - 1) * grid.spacing / 1e3
    assert {tuple(image.get_extent()) for image in images} == {(0, right, bottom, 0)}


def test_deviations_of_samples_have_a_scale_of_their_own(salt: Dataset, tmp_path: Path, read: Open) -> None:
    test, bounds = salt.split("random", "test"), salt.problem.property
    maps = test.properties[:] + np.float32(10)
    folder = predict(tmp_path, salt, "sampled", 10)
    assert len(only(read()).draw().axes) == 2 * min(len(test), 3) * 2 + 2, "no deviations without samples"
    # the standard deviation of -s, 0 and s is s times the root of 2/3
    size = np.linspace(10, 90, maps[0].size, dtype=np.float32).reshape(maps[0].shape)
    samples = maps + np.float32([-1, 0, 1]).reshape(-1, 1, 1, 1, 1) * size
    write_samples(pack_samples([samples], maps, bounds), len(maps), folder)
    predict(tmp_path, salt, "plain", 200)
    drawing = only(read())
    figure = drawing.draw()
    images = [axes.get_images()[0] for axes in figure.axes if axes.get_images()]
    drawn = [image for image in images if image.get_cmap().name == "viridis_r"]
    assert len(drawn) == min(len(test), 3), "one for each sample of the method that has samples"
    for image in drawn:
        np.testing.assert_allclose(image.get_array(), size[0] * np.sqrt(2 / 3), rtol=1e-3)
        assert image.get_clim() == pytest.approx((0, np.quantile(size, 0.99) * np.sqrt(2 / 3)), rel=1e-3)
    assert "standard deviation [m/s]" in [axes.get_ylabel() for axes in figure.axes]
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_images()].count("depth [km]") == 3 * len(drawn)
    assert "absolute errors, and the standard deviation of the samples of sampled." in drawing.caption


def test_names_units_and_scores_are_written(salt: Dataset, tmp_path: Path, read: Open) -> None:
    predict(tmp_path, salt, "far", -200)
    predict(tmp_path, salt, "near", 10)
    drawing = only(read())
    figure = drawing.draw()
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["truth", "near", "far", "near", "far"]
    labels = {axes.get_ylabel() for axes in figure.axes}
    assert labels == {"", "depth [km]", "velocity [m/s]", "absolute error [m/s]"}
    assert {axes.get_xlabel() for axes in figure.axes} == {"", "x [km]"}
    notes = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert notes[:3] == [salt.split("random", "test").ids[0], "MAE 10.0  SSIM 0.091", "MAE 200  SSIM 0.005"]
    assert drawing.setting._asdict() == {
        "dataset": "salt",
        "source": "synthetic",
        "split": "random",
        "track": "standard",
        "test_dataset": "",
        "profile": "smoke",
        "budget_s": "",
    }
    assert "near has MAE 10.0" in drawing.caption
    assert "1500 to 4500 m/s" in drawing.caption


def test_the_limit_of_illumination_is_drawn(
    salt: Dataset, tmp_path: Path, read: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict(tmp_path, salt, "near", 10)
    ramp = np.broadcast_to(np.linspace(0, 1, 60, dtype=np.float32), (1, 40, 60))
    monkeypatch.setattr("fwibench.report.figures.panels.illumination", lambda problem: ramp)
    drawing = only(read())
    assert "Beyond the dashed line the illumination of the survey is low." in drawing.caption
    contours = [axes for axes in drawing.draw().axes if any(path.vertices.size for path in paths(axes))]
    assert len(contours) == 2 * min(len(salt.split("random", "test")), 3), "truth and prediction of each sample"
    monkeypatch.setattr("fwibench.report.figures.panels.illumination", lambda problem: np.ones_like(ramp))
    drawing = only(read())
    assert "dashed" not in drawing.caption
    assert not any(path.vertices.size for axes in drawing.draw().axes for path in paths(axes))


def paths(axes: Axes) -> list[Path_]:
    """Lines of contours."""
    return [path for one in axes.collections if isinstance(one, ContourSet) for path in one.get_paths()]


def test_the_first_of_several_seeds_is_shown(salt: Dataset, tmp_path: Path, read: Open) -> None:
    for seed, error in ((10, 5), (2, 300), (0, 40)):
        predict(tmp_path, salt, "near", error, seed)
    figure = only(read()).draw()
    truth, near = (axes.get_images()[0].get_array() for axes in figure.axes[:2])
    np.testing.assert_allclose(near - truth, 40, atol=1e-3)


def test_a_method_without_predictions_is_left_out_and_named(salt: Dataset, tmp_path: Path, read: Open) -> None:
    predict(tmp_path, salt, "near", 10)
    (predict(tmp_path, salt, "lost", 5) / "predictions.npz").unlink()
    sources = read()
    drawing = only(sources)
    assert "Left out: lost." in drawing.caption
    assert [axes.get_title() for axes in drawing.draw().axes if axes.get_title()] == ["truth", "near", "near"]
    assert any("lost" in fault and "predictions" in fault for fault in sources.faults)


def test_maps_of_another_shape_or_other_samples_are_left_out(salt: Dataset, tmp_path: Path, read: Open) -> None:
    predict(tmp_path, salt, "near", 10)
    ids = salt.split("random", "test").ids
    for name, changed in (
        ("shapeless", Predictions(ids, np.zeros((len(ids), 1, 3, 4), np.float32))),
        ("elsewhere", Predictions(tuple(f"x{one}" for one in ids), np.zeros((len(ids), 1, 40, 60), np.float32))),
    ):
        write_predictions(changed, predict(tmp_path, salt, name, 1))
    sources = read()
    assert [axes.get_title() for axes in only(sources).draw().axes if axes.get_title()] == ["truth", "near", "near"]
    assert len(sources.faults) == 2


def test_data_on_another_machine_have_no_panels(salt: Dataset, tmp_path: Path, read: Open) -> None:
    leave(tmp_path, "near", [1.0, 2.0])
    sources = read()
    assert list_drawings(sources, ["panels"]) == []
    assert any("salt" in fault for fault in sources.faults)


def test_too_many_methods_are_left_out_and_named(salt: Dataset, tmp_path: Path, read: Open) -> None:
    for number in range(MOST + 2):
        predict(tmp_path, salt, f"m{number}", number + 1)
    drawing = only(read())
    assert f"Left out: m{MOST} and m{MOST + 1}." in drawing.caption
    titles = [axes.get_title() for axes in drawing.draw().axes if axes.get_title()]
    assert titles[: MOST + 1] == ["truth", *(f"m{number}" for number in range(MOST))]


def test_samples_are_selected_by_name(salt: Dataset, tmp_path: Path, read: Open) -> None:
    predict(tmp_path, salt, "near", 10)
    wanted = salt.split("random", "test").ids[-1]
    (drawing,) = list_drawings(read(), ["panels"], samples=[wanted])
    figure = drawing.draw()
    np.testing.assert_array_equal(
        figure.axes[0].get_images()[0].get_array(), salt.split("random", "test").properties[-1][0]
    )
    assert len([axes for axes in figure.axes if axes.get_images()]) == 3
    with pytest.raises(UnknownNameError, match=f"x{wanted}"):
        list_drawings(read(), ["panels"], samples=[f"x{wanted}"])


def test_samples_are_those_that_most_methods_have_spread_evenly() -> None:
    ten, five = list("abcdefghij"), list("acegi")
    assert choose([ten, five], [], 3) == ["a", "e", "i"]
    # two methods outvote one
    assert choose([["x", "y"], five, ten], [], 2) == ["a", "i"]
    assert choose([ten], [], 3) == ["a", "e", "j"]
    assert choose([["a"]], [], 3) == ["a"]
    assert choose([], [], 3) == []
    assert choose([ten, five], ["b", "z", "a", "b"], 1) == ["b", "a"]
