import numpy as np
import pytest
import torch

from fwibench.physics.acoustic import simulate
from fwibench.problem import AcousticPhysics, Amplitude, Grid, Point, Problem, Property, Ricker, SeismicSurvey


@pytest.fixture(scope="session")
def small() -> Problem:
    """A survey that takes milliseconds."""
    return Problem(
        grid=Grid(nz=24, nx=30, spacing=10.0),
        survey=SeismicSurvey(
            sources=(Point(x=50.0, z=10.0), Point(x=240.0, z=10.0)),
            receivers=tuple(Point(x=20.0 * i, z=10.0) for i in range(15)),
            nt=240,
            dt=1 / 600,
            wavelet=Ricker(frequency=12.0, delay=0.1),
        ),
        physics=AcousticPhysics(accuracy=4, pml_width=6, pml_freq=12.0, max_velocity=4500.0),
        property=Property(name="velocity", unit="m/s", low=1500.0, high=4500.0),
        amplitude=Amplitude(low=-25.0, high=50.0),
    )


@pytest.fixture(scope="session")
def truth(small: Problem) -> np.ndarray:
    """Two maps `(2, 1, Z, X)`: layers, and a body in the second."""
    maps = np.full((2, 1, *small.grid.shape), 1800.0, np.float32)
    maps[:, :, 10:] = 2200.0
    maps[1, :, 8:16, 10:20] = 2700.0
    return maps


@pytest.fixture(scope="session")
def shots(small: Problem, truth: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return np.ascontiguousarray(simulate(torch.from_numpy(truth), small).numpy())
