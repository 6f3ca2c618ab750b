"""What `data add` concludes of records: physics that explains them, and options that would."""

import shlex
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.user.add import AddResult, add_dataset
from fwibench.datasets.user.description import forget
from fwibench.datasets.user.options import AddOptions, make_options
from fwibench.datasets.user.physics_fit import WORST, compared_samples, show_share
from fwibench.datasets.user.problem_changes import inner_steps, option_texts, with_delay, with_depths
from fwibench.physics.parallel import simulate_each
from fwibench.physics.wavelets import sample_wavelet
from fwibench.plugins.registry import load_registry
from fwibench.problem import AcousticPhysics, Amplitude, Grid, Point, Problem, Property, Ricker, SeismicSurvey
from fwibench.runs.opening.datasets import open_dataset

ROWS, COLUMNS, NT = 22, 32, 320
SOURCES, RECEIVERS = (0.0, 150.0), tuple(10.0 * i for i in range(COLUMNS))


def make_problem(depth: float = 10.0, delay: float = 0.072, **physics: object) -> Problem:
    """OpenFWI's survey on a smaller section."""
    survey = SeismicSurvey(
        sources=tuple(Point(x=x, z=depth) for x in SOURCES),
        receivers=tuple(Point(x=x, z=depth) for x in RECEIVERS),
        nt=NT,
        dt=1e-3,
        wavelet=Ricker(frequency=15.0, delay=delay),
    )
    values = {"accuracy": 4, "pml_width": 10, "pml_freq": 15.0, "max_velocity": 4500.0, **physics}
    return Problem(
        grid=Grid(nz=ROWS, nx=COLUMNS, spacing=10.0),
        survey=survey,
        physics=AcousticPhysics(**values),
        property=Property(name="velocity", unit="m/s", low=1500.0, high=4500.0),
        amplitude=Amplitude(low=-1.0, high=1.0),
    )


def make_maps(count: int = 4) -> np.ndarray:
    """Layers between 1500 and 4500 m/s `(n, 1, Z, X)`; the first map is slow throughout."""
    rng = np.random.default_rng(0)
    maps = np.empty((count, 1, ROWS, COLUMNS), np.float32)
    maps[0] = 1500.0
    maps[0, :, ROWS // 2 :] = 1700.0
    for one in maps[1:]:
        edges = np.sort(rng.choice(np.arange(4, ROWS), 3, replace=False))
        # dipping, so that sources and receivers cannot be exchanged
        row = np.arange(ROWS)[:, None] + np.linspace(0, 4, COLUMNS)
        one[0] = np.select([row < edge for edge in edges], [1900.0, 2600.0, 3500.0], 4500.0)
    return maps


def save(problem: Problem, maps: np.ndarray, times: float = 1.0) -> None:
    """One file a sample, as single records come."""
    for i, (one, shots) in enumerate(zip(maps, simulate_each(list(maps), problem), strict=True)):
        np.save(f"model{i}.npy", one)
        np.save(f"data{i}.npy", times * shots)


def add_options(**changes: object) -> AddOptions:
    usual = {
        "name": "mine",
        "measurements": "data*.npy",
        "properties": "model*.npy",
        "spacing": 10.0,
        "dt": 1e-3,
        "frequency": 15.0,
        "source_x": SOURCES,
        "receiver_x": "0:310:32",
        "low": 1500.0,
        "high": 4500.0,
    }
    return make_options({**usual, **changes})


def options(text: str) -> dict[str, object]:
    """Options as they are option_texts, as fields of an addition."""
    found: dict[str, object] = {}
    words = iter(shlex.split(text))
    for word in words:
        name = word.removeprefix("--").replace("-", "_")
        if name in ("free_surface", "no_free_surface"):
            found["free_surface"] = name == "free_surface"
        else:
            found[name] = int(next(words)) if name in ("order", "pml") else float(next(words))
    return found


def add_again(findings: AddResult, **changes: object) -> AddResult:
    """With the options that were offered last."""
    forget("mine")
    return add_dataset(add_options(**{**changes, **options(findings.offers[-1].options)}))


def worst(findings: AddResult) -> float:
    return max(one.residual for one in findings.agreements)


@pytest.mark.parametrize(
    ("order", "courant"),
    [(4, 0.6), (8, 0.67), pytest.param(4, 0.67, marks=pytest.mark.slow), pytest.param(8, 0.6, marks=pytest.mark.slow)],
)
def test_offered_options_explain_openfwi_like_records(home: Path, order: int, courant: float) -> None:
    """Neither delay nor depth nor scheme is given; what is offered explains all samples to better than 1 %."""
    made = make_problem(accuracy=order, courant_number=courant)
    assert inner_steps(made, courant) == (2 if courant == 0.6 else 1), "the Courant numbers must differ in steps"
    save(made, make_maps())
    found = add_dataset(add_options())
    assert found.description.problem.physics is None
    assert "no physics: simulated records differ" in " ".join(found.notes)
    offered = options(found.offers[-1].options)
    assert (offered["delay"], offered["depth"]) == (0.072, 10.0)
    assert found.offers[-1].residual < 1e-2
    again = add_again(found)
    physics = again.description.problem.physics
    assert physics is not None
    assert physics.accuracy == order
    assert inner_steps(again.description.problem, physics.courant_number) == inner_steps(made, courant)
    assert worst(again) < 1e-2


def test_negative_amplitude_scale_is_offered(home: Path) -> None:
    save(make_problem(), make_maps(3), times=-1e-3)
    found = add_dataset(add_options(depth=10.0, delay=0.073))
    assert found.description.problem.physics is None
    assert "simulated records differ from the recorded ones by 100" in " ".join(found.notes)
    assert options(found.offers[-1].options) == {"delay": 0.072, "source_scale": -0.001}
    again = add_again(found, depth=10.0)
    assert again.description.problem.physics is not None
    assert again.description.problem.physics.source_scale == -0.001
    assert worst(again) < 1e-2
    assert not again.offers


def test_missing_scheme_and_surface_are_estimated(home: Path) -> None:
    save(make_problem(accuracy=8, free_surface=True, pml_width=20), make_maps(3))
    found = add_dataset(add_options(depth=10.0, delay=0.072))
    physics = found.description.problem.physics
    assert physics is not None
    assert (physics.accuracy, physics.free_surface) == (8, True)
    assert worst(found) < 1e-2
    assert "order 8" in found.notes[-1]
    assert "a free surface: what fits 3 samples best" in found.notes[-1]


def test_given_scheme_is_kept_and_better_one_offered(home: Path) -> None:
    save(make_problem(accuracy=8), make_maps(3))
    found = add_dataset(add_options(depth=10.0, delay=0.072, order=4, free_surface=False))
    physics = found.description.problem.physics
    assert physics is None or physics.accuracy == 4
    assert "order 4, an absorbing top as given" in found.notes[-1]
    assert options(found.offers[-1].options)["order"] == 8
    assert found.offers[-1].residual < 1e-2


def test_depths_of_sources_and_receivers_are_found(home: Path) -> None:
    problem = with_depths(make_problem(), source=30.0)
    save(problem, make_maps(3))
    found = add_dataset(add_options(delay=0.072))
    offered = options(found.offers[-1].options)
    assert (offered["source_depth"], offered["receiver_depth"]) == (30.0, 10.0)
    again = add_again(found, delay=0.072)
    assert worst(again) < 1e-2
    survey = again.description.problem.survey
    assert (survey.sources[0].z, survey.receivers[0].z) == (30.0, 10.0)


def test_verify_compares_same_samples_as_add(home: Path) -> None:
    """Order 6 explains fast maps of order 8 well and the slow first one badly; the median keeps the physics."""
    save(make_problem(accuracy=8), make_maps(4))
    found = add_dataset(add_options(depth=10.0, delay=0.072, order=6))
    residuals = [one.residual for one in found.agreements]
    assert residuals[0] == max(residuals), "the first map is the worst"
    assert found.description.problem.physics is not None
    dataset = open_dataset(load_registry(), "mine", "smoke")
    agreements = dataset.check_physics()
    assert [one.number for one in agreements] == [one.number for one in found.agreements]
    np.testing.assert_allclose([one.residual for one in agreements], residuals, rtol=1e-3)
    assert all(one.residual <= dataset.tolerance == WORST for one in agreements)


def test_unexplained_records_get_no_physics_and_no_offer(home: Path) -> None:
    save(make_problem(), make_maps(2))
    for i in range(2):
        np.save(f"data{i}.npy", np.random.default_rng(i).normal(size=(2, NT, COLUMNS)).astype(np.float32))
    found = add_dataset(add_options())
    assert found.description.problem.physics is None
    # noise may be fitted a little by a small amplitude, which is no explanation
    assert all(one.residual > 0.5 for one in found.offers)


def test_wavelet_file_explains_records_and_delay_is_found(home: Path) -> None:
    problem = make_problem()
    ricker = sample_wavelet(problem.survey)
    source = np.convolve(ricker, [1.0, *[0.0] * 24, -0.6])[:NT].astype(np.float32)
    save(problem, make_maps(2))
    import torch

    from fwibench.physics.acoustic import simulate

    for i in range(2):
        with torch.no_grad():
            shots = simulate(
                torch.from_numpy(np.load(f"model{i}.npy")[None]), problem, wavelet=torch.from_numpy(source)
            )
        np.save(f"data{i}.npy", shots[0].numpy())
    found = add_dataset(add_options(depth=10.0, delay=0.072))
    assert found.description.problem.physics is None
    assert found.offers == () or found.offers[-1].residual > 0.1
    forget("mine")
    # saved 20 samples too early
    np.save("wavelet.npy", source[20:200])
    late = add_dataset(add_options(depth=10.0, frequency=None, wavelet="wavelet.npy"))
    assert late.description.problem.physics is None
    assert options(late.offers[-1].options)["delay"] == pytest.approx(0.072, abs=1e-4)
    again = add_again(late, depth=10.0, frequency=None, wavelet="wavelet.npy")
    assert again.description.problem.physics is not None
    assert worst(again) < 1e-2


def test_published_pair_is_explained(home: Path, real_data: Path) -> None:
    """The wavelet of OpenFWI peaks at the 73rd sample, 72 ms; 73 ms is another physics, and 72 ms is offered."""
    for i in range(3):
        np.save(home / f"data{i}.npy", np.load(real_data / "pair_openfwi_cf0_seis.npy"))
        np.save(home / f"model{i}.npy", np.load(real_data / "pair_openfwi_cf0_vel.npy"))
    places = {"source_x": "0,170,340,520,690", "receiver_x": "0:690:70", "low": None, "high": None}
    found = add_dataset(add_options(delay=0.072, depth=10.0, **places))
    assert found.description.problem.physics is not None
    assert worst(found) < 5e-3
    forget("mine")
    found = add_dataset(add_options(**places))
    assert found.description.problem.physics is None
    assert found.offers[-1].options == "--delay 0.072 --depth 10"
    assert found.offers[-1].residual < 5e-3


def test_compared_samples_are_spread_and_bounded_by_work() -> None:
    problem = make_problem()
    assert compared_samples(problem, 1).tolist() == [0]
    assert compared_samples(problem, 60).tolist()[::7] == [0, 59]
    assert len(compared_samples(problem, 60)) == 8
    large = problem.model_copy(update={"grid": Grid(nz=2000, nx=4000, spacing=10.0)})
    survey = large.survey.model_copy(update={"nt": 20_000})
    assert len(compared_samples(large.model_copy(update={"survey": survey}), 60)) == 2


def test_option_texts_list_differences() -> None:
    stated = make_problem()
    assert option_texts(stated, stated) == ""
    found = with_delay(with_depths(stated, receiver=0.0), 1.5)
    assert found is not None
    physics = found.physics.model_copy(update={"accuracy": 8, "courant_number": 0.67, "free_surface": True})
    assert option_texts(stated, found.model_copy(update={"physics": physics})) == (
        "--delay 0.0735 --source-depth 10 --receiver-depth 0 --order 8 --courant 0.67 --free-surface"
    )
    assert with_delay(stated, -73.0) is None, "no wavelet peaks before time 0"


@pytest.mark.parametrize(("value", "text"), [(0.0021, "2.1e-03"), (0.113, "11.3%"), (998.7, "999 times")])
def test_residuals_are_shown_by_size(value: float, text: str) -> None:
    assert show_share(value) == text
