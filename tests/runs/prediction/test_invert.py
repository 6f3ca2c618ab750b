"""Inversion of records without a known map."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.errors import DataError, FwibenchError, OptionError, ProblemError, UnknownNameError, UsageError
from fwibench.physics.parallel import simulate_each
from fwibench.plugins.registry import Registry
from fwibench.runs.prediction.invert import Outcome, Task, invert, inverting_methods, make_task

SURVEY = """
[grid]
spacing = 10.0
nz = 24
nx = 30
[time]
dt = 0.0016666666666666668
[sources]
x = [0, 70, 140, 220, 290]
depth = 10.0
[receivers]
x = "0:290:30"
depth = 10.0
[wavelet]
frequency = 12.0
delay = 0.1
[physics]
order = 4
pml = 6
[property]
low = 1500.0
high = 4500.0
"""


SHAPE = (5, 240, 30)


FAST = {"iterations": "20", "step": "100", "bands": "6/12/full"}


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    path = tmp_path / "survey.toml"
    path.write_text(SURVEY)
    return path


def truth() -> np.ndarray:
    """Velocity gradient with a fast body, `(1, Z, X)`."""
    model = np.broadcast_to(np.linspace(1700, 2500, 24)[:, None], (24, 30)).astype(np.float32).copy()
    model[9:15, 8:18] += 350
    return model[None]


@pytest.fixture
def record(survey: Path, tmp_path: Path, registry: Registry) -> Path:
    """File with one record `(S, T, R)` of the model `truth()`."""
    path = tmp_path / "record.npy"
    np.save(path, np.zeros(SHAPE, np.float32) + np.eye(240, 30, dtype=np.float32))
    problem = make_task(path, survey, registry).problem
    (shots,) = simulate_each([truth()], problem)
    np.save(path, shots)
    return path


def run(task: Task) -> Outcome:
    return invert(task, "cpu")


def test_record_is_inverted_from_gradient(record: Path, survey: Path, registry: Registry) -> None:
    """Smaller version of the published record below; its start model is close to the truth already."""
    found = run(make_task(record, survey, registry, settings={**FAST, "v0": "1900", "k": "0"}))
    assert found.maps.shape == (1, 1, 24, 30)
    assert found.maps.dtype == np.float32
    error = [float(np.abs(maps[0] - truth()).mean()) for maps in (found.starts, found.maps)]
    assert error[1] < error[0] * 0.75
    assert found.after[0] < 0.1 * found.before[0]
    assert found.seen is not None
    assert 0 <= found.seen.min() <= found.seen.max() <= 1
    assert found.iterations == [60]
    assert not found.stopped
    assert found.warnings == ()
    assert 1500 <= found.maps.min() <= found.maps.max() <= 4500


def test_gradient_start_is_fitted_to_record(record: Path, survey: Path, registry: Registry, tmp_path: Path) -> None:
    known = np.broadcast_to(np.linspace(1700, 2500, 24, dtype=np.float32)[:, None], (1, 24, 30)).copy()
    task = make_task(record, survey, registry, settings={**FAST, "iterations": "1"})
    (shots,) = simulate_each([known], task.problem)
    np.save(record, shots)
    start = run(make_task(record, survey, registry, settings={**FAST, "iterations": "1"})).starts[0]
    assert np.ptp(start[0], axis=1).max() == 0, "it depends on depth alone"
    assert np.abs(start - known).mean() < 60, "2 % of the velocity range"


@pytest.mark.slow
def test_published_record_is_inverted_without_training(real_data: Path, tmp_path: Path, registry: Registry) -> None:
    survey = tmp_path / "survey.toml"
    survey.write_text(
        """
        [grid]
        spacing = 10.0
        nz = 70
        nx = 70
        [time]
        dt = 0.001
        [sources]
        x = [0, 170, 340, 520, 690]
        depth = 10.0
        [receivers]
        x = "0:690:70"
        depth = 10.0
        [wavelet]
        frequency = 15.0
        delay = 0.072
        [physics]
        order = 4
        pml = 10
        courant = 0.67
        [property]
        low = 1500.0
        high = 4500.0
        """
    )
    task = make_task(real_data / "pair_openfwi_cf0_seis.npy", survey, registry, settings={"iterations": "60"})
    found = run(task)
    known = np.load(real_data / "pair_openfwi_cf0_vel.npy")
    error = [float(np.abs(maps[0, 0] - known).mean()) for maps in (found.starts, found.maps)]
    print(f"MAE {error[0]:.1f} to {error[1]:.1f} m/s in {found.seconds:.0f} s")
    assert error[1] < error[0] * 2 / 3


def test_records_use_start_model_of_file(record: Path, survey: Path, registry: Registry, tmp_path: Path) -> None:
    np.save(record, np.stack([np.load(record)] * 2))
    start = np.full((24, 30), 2100.0)
    np.save(tmp_path / "start.npy", start)
    settings = {**FAST, "iterations": "1"}
    task = make_task(record, survey, registry, start=str(tmp_path / "start.npy"), settings=settings)
    found = run(task)
    np.testing.assert_array_equal(found.starts, np.full((2, 1, 24, 30), 2100.0))
    np.testing.assert_array_equal(found.maps[0], found.maps[1], err_msg="equal records have equal models")
    np.save(tmp_path / "found.npy", found.maps[:1])
    again = make_task(record, survey, registry, start=str(tmp_path / "found.npy"), settings=settings)
    np.testing.assert_array_equal(run(again).starts[1], found.maps[0])


def test_gradient_start_can_be_set(record: Path, survey: Path, registry: Registry) -> None:
    found = run(make_task(record, survey, registry, settings={**FAST, "iterations": "1", "v0": "1600", "k": "2"}))
    np.testing.assert_allclose(found.starts[0, 0, :, 0], 1600 + 20 * np.arange(24), rtol=1e-6)


def test_time_limit_returns_current_model(record: Path, survey: Path, registry: Registry) -> None:
    found = invert(make_task(record, survey, registry, settings=FAST), "cpu", time_limit=1e-3)
    assert found.stopped
    assert found.iterations == [1]
    assert np.isfinite(found.maps).all()


@pytest.mark.parametrize("scale", [1e-3, 1e3, -1.0])
def test_amplitude_mismatch_gives_warning(scale: float, record: Path, survey: Path, registry: Registry) -> None:
    np.save(record, np.float32(scale) * np.load(record))
    (warning,) = run(make_task(record, survey, registry, settings={**FAST, "iterations": "1"})).warnings
    assert ("opposite sign" if scale == -1 else "source's scale") in warning


def change(path: Path, **changes: str) -> None:
    text = path.read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def edited(record: Path, edit: Any) -> None:
    np.save(record, edit(np.load(record)))


WRONG: dict[str, tuple[Any, type[FwibenchError], str]] = {
    "another number of shots": (lambda r, s: edited(r, lambda a: a[:4]), FwibenchError, "source"),
    "no axis of sources": (lambda r, s: edited(r, lambda a: a[0]), ProblemError, "records, sources, time samples"),
    "NaN": (lambda r, s: edited(r, lambda a: np.where(a == a.max(), np.nan, a)), ProblemError, "NaN or infinite"),
    "infinity": (lambda r, s: edited(r, lambda a: np.where(a == a.max(), np.inf, a)), ProblemError, "infinite"),
    "complex numbers": (lambda r, s: edited(r, lambda a: a + 1j), ProblemError, "complex"),
    "texts": (lambda r, s: edited(r, lambda a: a.astype("U8")), DataError, "expected numbers"),
    "no record": (lambda r, s: r.unlink(), DataError, "does not exist"),
    "no array": (lambda r, s: r.write_text("hello"), DataError, "no .npy file"),
    "no survey": (lambda r, s: s.unlink(), UsageError, "survey"),
    "a key of its own": (lambda r, s: change(s, **{"[time]": "[time]\nstep = 1"}), UsageError, "step"),
    "a time step in milliseconds": (
        lambda r, s: change(s, **{"0.0016666666666666668": "1.6"}),
        FwibenchError,
        "Nyquist|milliseconds|seconds",
    ),
    "a source outside": (lambda r, s: change(s, **{"220, 290]": "220, 2900]"}), FwibenchError, "outside|lie|section"),
}


@pytest.mark.parametrize("name", WRONG)
def test_invalid_input_raises_before_inversion(name: str, record: Path, survey: Path, registry: Registry) -> None:
    spoil, kind, words = WRONG[name]
    spoil(record, survey)
    with pytest.raises(kind, match=words):
        make_task(record, survey, registry)


STARTS: dict[str, tuple[Any, str]] = {
    "another shape": (np.full((30, 24), 2000.0), "grid|shape"),
    "NaN": (np.full((24, 30), np.nan), "not finite"),
    "km/s": (np.full((24, 30), 2.0), "outside of the bounds"),
    "texts": (np.full((24, 30), "x"), "real numbers"),
}


@pytest.mark.parametrize("name", STARTS)
def test_invalid_start_model_raises(name: str, record: Path, survey: Path, registry: Registry, tmp_path: Path) -> None:
    model, words = STARTS[name]
    np.save(tmp_path / "start.npy", model)
    with pytest.raises(FwibenchError, match=words):
        run(make_task(record, survey, registry, start=str(tmp_path / "start.npy")))


def test_method_is_selected_by_its_spec(record: Path, survey: Path, registry: Registry) -> None:
    able = inverting_methods(registry)
    assert all(spec.start_option in spec.options.model_fields for spec in able)
    assert make_task(record, survey, registry).spec == able[0]
    assert make_task(record, survey, registry, method=able[0].name).spec == able[0]
    with pytest.raises(UsageError, match="mean-map cannot invert a record without training"):
        make_task(record, survey, registry, method="mean-map")
    with pytest.raises(UnknownNameError):
        make_task(record, survey, registry, method="multiscale")
    with pytest.raises(OptionError, match="iteration"):
        make_task(record, survey, registry, settings={"iteration": "5"})
    with pytest.raises(UsageError, match="which --start sets"):
        make_task(record, survey, registry, settings={able[0].start_option: "gradient"})
    with pytest.raises(FwibenchError, match="train-mean"):
        make_task(record, survey, registry, start="train-mean")
