import re
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.user import survey_file
from fwibench.datasets.user.survey_file import read_problem, read_survey_file
from fwibench.datasets.user.wavelet_file import move_peak, read_wavelet, sampled_wavelet
from fwibench.errors import UsageError
from fwibench.problem import Point, Ricker, SampledWavelet
from tests.tolerances import assert_same_signal

EXAMPLE = re.search(r"(    \[grid\].*?)\n\n", survey_file.__doc__ or "", re.DOTALL).group(1)  # type: ignore[union-attr]


def write(folder: Path, text: str = EXAMPLE, **changes: str) -> Path:
    for old, new in changes.items():
        text = re.sub(rf"(?m)^\s*{old} = .*$", new, text)
    path = folder / "survey.toml"
    path.write_text("\n".join(line.strip() for line in text.splitlines()))
    return path


def ricker(frequency: float, delay: float, dt: float, nt: int) -> np.ndarray:
    argument = (np.pi * frequency * (np.arange(nt) * dt - delay)) ** 2
    return (1 - 2 * argument) * np.exp(-argument)


def test_documented_example_is_problem_of_openfwi(tmp_path: Path) -> None:
    problem, notes = read_problem(write(tmp_path), (5, 1000, 70), (70, 70))
    survey, physics = problem.survey, problem.physics
    assert notes == ()
    assert survey.sources == tuple(Point(x=x, z=10.0) for x in (0, 170, 340, 520, 690))
    assert survey.receivers[-1] == Point(x=690, z=10)
    assert (survey.nt, survey.dt, survey.wavelet) == (1000, 1e-3, Ricker(frequency=15.0, delay=0.072))
    assert physics is not None
    assert (physics.accuracy, physics.pml_width, physics.courant_number, physics.free_surface) == (4, 10, 0.67, False)
    assert (problem.grid.shape, problem.property.low, problem.property.high) == ((70, 70), 1500, 4500)


def test_example_of_guide_equals_example_of_code(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "guide" / "your-own-data.md").read_text()
    shown = re.search(r"```toml\n(.*?)```", guide, re.DOTALL).group(1)  # type: ignore[union-attr]
    found = read_survey_file(write(tmp_path, shown))
    assert found == read_survey_file(write(tmp_path))


def test_moving_receivers_and_depths_are_read(tmp_path: Path) -> None:
    text = """
    grid = {spacing = 10, nz = 20, nx = 40}
    time = {dt = 0.002}
    sources = {x = [0, 50], depth = [0, 20]}
    receivers = {x = [[10, 20, 30], [60, 70, 80]], depth = 5}
    wavelet = {frequency = 10, delay = 0.1}
    physics = {free_surface = true, source_scale = -1000}
    property = {low = 1500, high = 3000}
    """
    problem, _ = read_problem(write(tmp_path, text), (2, 100, 3))
    survey = problem.survey
    assert [place.z for place in survey.sources] == [0, 20]
    assert survey.receivers_of(1) == tuple(Point(x=x, z=5) for x in (60, 70, 80))
    assert problem.physics is not None
    assert problem.physics.free_surface
    assert problem.physics.source_scale == -1000


def test_wavelet_path_is_relative_to_survey_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    np.save(tmp_path / "sub/wavelet.npy", ricker(15, 0.072, 1e-3, 200))
    path = write(tmp_path / "sub", frequency='file = "wavelet.npy"', delay="")
    problem, _ = read_problem(path, (5, 1000, 70), (70, 70))
    wavelet = problem.survey.wavelet
    assert isinstance(wavelet, SampledWavelet)
    assert wavelet.delay == pytest.approx(0.072)
    assert wavelet.frequency == pytest.approx(15, abs=0.3)


WRONG = {
    "unknown key": ({"order": "accuracy = 4"}, "physics.accuracy: extra inputs"),
    "bad order": ({"order": "order = 5"}, "physics.order"),
    "infinite step": ({"dt": "dt = inf"}, "time.dt"),
    "negative spacing": ({"spacing": "spacing = -1"}, "grid.spacing"),
    "no frequency": ({"frequency": ""}, "need --frequency or --wavelet"),
    "not TOML": ({"dt": "dt = 1ms"}, "cannot be read"),
    "places": ({"x": 'x = "0:690:x"'}, "expected first:last:count"),
    "count": ({"x": "x = [0, 10]"}, "gives 2 positions"),
    "depth": ({"depth": "depth = 800"}, "depth of a source is 800 m, the section reaches from 0 to 690 m"),
    "bounds": ({"low": ""}, "property.low and property.high are missing"),
    "unstable": ({"courant": "courant = 0.9"}, "less than 0.866"),
    "silent": ({"source_scale": "source_scale = 0"}, "--source-scale is 0"),
    "milliseconds": ({"dt": "dt = 1"}, "15 Hz lies above 0.5 Hz, the Nyquist frequency"),
    "late peak": ({"delay": "delay = 72"}, "the wavelet peaks at 72 s, after the end of the record"),
    "no file": ({"frequency": 'file = "none.npy"'}, "none.npy' cannot be read"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_survey_files_raise(name: str, tmp_path: Path) -> None:
    changes, message = WRONG[name]
    with pytest.raises(UsageError, match=re.escape(message)):
        read_problem(write(tmp_path, **changes), (5, 1000, 70), (70, 70))


def test_missing_file_and_missing_size_raise(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_survey_file(tmp_path / "none.toml")
    with pytest.raises(UsageError, match=r"grid.nz and grid.nx are missing"):
        read_problem(write(tmp_path), (5, 1000, 70))


def test_wavelet_keeps_samples_with_peak_and_frequency(tmp_path: Path) -> None:
    signal = -3.0 * ricker(20, 0.06, 1e-3, 300)
    np.save(tmp_path / "w.npy", signal)
    wavelet = read_wavelet(str(tmp_path / "w.npy"), 1e-3, 1000)
    assert wavelet.delay == pytest.approx(0.06)
    assert wavelet.frequency == pytest.approx(20, abs=0.3)
    assert_same_signal(wavelet.samples, signal[: len(wavelet.samples)], 1e-12)
    assert len(wavelet.samples) < 150, "zeros at the end are left out"


@pytest.mark.parametrize("delay", [0.072, 0.0655, 0.0601])
def test_moved_wavelet_equals_wavelet_of_that_delay(delay: float) -> None:
    dt, nt = 1e-3, 400
    moved = move_peak(sampled_wavelet(ricker(15, 0.07, dt, nt), dt), dt, nt, delay)
    padded = np.zeros(nt)
    padded[: len(moved.samples)] = moved.samples
    # cut where the tail is a millionth of the peak
    assert_same_signal(padded, ricker(15, delay, dt, nt), 1e-4)
    assert moved.delay == delay


@pytest.mark.parametrize("values", [np.zeros(10), np.full(10, np.nan), np.ones((3, 4)), np.array("x"), np.ones(0)])
def test_arrays_that_are_not_wavelets_raise(values: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", values)
    with pytest.raises(UsageError, match="--wavelet"):
        read_wavelet(str(tmp_path / "w.npy"), 1e-3, 100)
