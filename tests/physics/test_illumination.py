import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from fwibench.errors import ProblemError
from fwibench.physics import illumination as module
from fwibench.physics.acoustic import simulate
from fwibench.physics.illumination import illumination, reference_model, sensitivity
from fwibench.physics.wavelets import FEWEST, gradient_interval
from fwibench.problem import AcousticPhysics, Grid, Point, Problem, Ricker, SeismicSurvey
from fwibench.testing.problems import EM, SEISMIC

GRID = Grid(nz=30, nx=60, spacing=10.0)


def survey(last: float, nt: int = 300) -> SeismicSurvey:
    """Sources and receivers at 10 m depth from 0 to `last` [m]."""
    return SeismicSurvey(
        sources=tuple(Point(x=float(x), z=10.0) for x in np.linspace(0, last, 5)),
        receivers=tuple(Point(x=10.0 * i, z=10.0) for i in range(round(last / 10) + 1)),
        nt=nt,
        dt=1e-3,
        wavelet=Ricker(frequency=25.0, delay=0.05),
    )


def problem(last: float = 590.0, nt: int = 300) -> Problem:
    physics = AcousticPhysics(accuracy=4, pml_width=10, pml_freq=25.0, max_velocity=4500.0, courant_number=0.67)
    return SEISMIC.model_copy(update={"grid": GRID, "survey": survey(last, nt), "physics": physics})


def test_illumination_is_between_0_and_1_and_reproducible() -> None:
    seen = illumination(problem())
    assert seen.shape == (1, 30, 60)
    assert 0 <= seen.min() <= seen.max() <= 1
    module._remembered.cache_clear()
    np.testing.assert_array_equal(illumination(problem()), seen)


def test_sensitivity_of_a_model_is_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    first = illumination(problem())
    monkeypatch.setattr(module, "sensitivity", lambda *_: pytest.fail("computed again"))
    np.testing.assert_array_equal(illumination(problem()), first)
    np.testing.assert_array_equal(illumination(problem(), reference_model(problem())[None]), first)


def test_half_a_survey_illuminates_half_a_section() -> None:
    whole, half = (illumination(problem(last))[0] for last in (590.0, 290.0))
    assert (half[5:20, 5:20] > 0.5).mean() > 0.9
    assert half[8:, 45:].max() < 0.1
    assert half[:, 45:].mean() < 0.1
    assert (whole[5:20, 40:55] > 0.5).mean() > 0.9


def test_short_record_does_not_illuminate_depth() -> None:
    long, short = (sensitivity(reference_model(problem()), problem(nt=nt)) for nt in (300, 150))
    assert short[20:].max() < 0.1 * long[20:].max()


def test_sensitivity_is_the_change_of_the_data_by_a_bump() -> None:
    """The random estimate against simulations with the bump, at places that are seen well and badly."""
    there = problem()
    model = reference_model(there)
    found = sensitivity(model, there)
    wavelength = float(model.mean()) / 25.0 / 10.0
    width = tuple(part * wavelength for part in module.BUMP)
    gain = np.arange(300)[:, None] * 1e-3
    velocity = torch.from_numpy(np.repeat(model[None, None], 2, 0))

    def relative_change(row: int, column: int) -> float:
        spike = np.zeros(GRID.shape)
        spike[row, column] = 2 * np.pi * width[0] * width[1]
        bump = gaussian_filter(spike, width, mode="constant")
        # a twentieth of that height, so that the change is linear
        step = torch.from_numpy(0.05 * module.HEIGHT * 3000 * bump).float()
        with torch.no_grad():
            ahead, back = simulate(velocity + torch.stack([step, -step])[:, None], there).numpy() * gain
            size = np.linalg.norm(simulate(velocity[:1], there).numpy() * gain)
        return float(np.linalg.norm(ahead - back) / 2 / 0.05 / size)

    places = [(12, 30), (22, 30), (15, 4), (6, 45)]
    ratios = [float(found[place]) / relative_change(*place) for place in places]
    # the mean of four squares that are smoothed over a bump each has a relative spread of a third
    assert max(ratios) < 2
    assert min(ratios) > 0.5


def test_receivers_may_move_with_the_source() -> None:
    there = problem()
    moving = tuple(tuple(Point(x=x + 5.0, z=10.0) for x in range(20 * shot, 20 * shot + 100, 20)) for shot in range(5))
    survey = there.survey.model_copy(update={"receivers": moving[0], "shot_receivers": moving})
    seen = illumination(there.model_copy(update={"survey": survey}))
    assert np.isfinite(seen).all()
    assert seen.max() > 0.5


def test_electromagnetic_problem_has_no_illumination() -> None:
    with pytest.raises(ProblemError, match="seismic survey and acoustic physics"):
        illumination(EM)


@pytest.mark.parametrize("frequency", [0.2, 2.0, 25.0, 400.0, 4000.0])
def test_gradient_interval_samples_the_highest_frequency(frequency: float) -> None:
    there = survey(590.0).model_copy(update={"wavelet": Ricker(frequency=frequency, delay=0.05)})
    for corner in (None, frequency / 6):
        interval = gradient_interval(there, corner)
        assert there.nt % interval == 0
        assert there.nt // interval >= FEWEST
    short = there.model_copy(update={"nt": 3})
    assert gradient_interval(short, None) == 1
