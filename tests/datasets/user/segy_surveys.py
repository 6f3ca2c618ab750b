"""SEG-Y files of three shots, and datasets made of them."""

from pathlib import Path
from typing import Any

import numpy as np

from fwibench.datasets.user.add import AddResult, add_dataset
from fwibench.datasets.user.description import forget
from fwibench.datasets.user.options import make_options
from fwibench.problem import SeismicSurvey
from tests.datasets.readers.segy_files import write_traces

NX, NZ, SPACING = 31, 12, 10.0
SOURCES = np.array([0.0, 150.0, 300.0])
RECEIVERS = np.linspace(0, 300, 16)
SHOTS, R, T = len(SOURCES), len(RECEIVERS), 40
RNG = np.random.default_rng(0)
TRACES = RNG.normal(size=(3, SHOTS * R, T)).astype(np.float32)
MAPS = RNG.uniform(1500, 4000, (3, NZ, NX)).astype(np.float32)


def shots(headers: dict[Any, Any] | None, traces: np.ndarray = TRACES, **how: Any) -> None:
    for i, one in enumerate(traces):
        write_traces(Path(f"shot{i}.segy"), one, headers, **how)


def added(**changes: Any) -> AddResult:
    forget("mine")
    # nothing is simulated for another property than velocity, which saves time
    usual = {
        "name": "mine",
        "measurements": "shot*.segy",
        "properties": "vp*.segy",
        "spacing": SPACING,
        "frequency": 15.0,
        "val": 1,
        "test": 1,
        "property": "hardness",
        "unit": "1",
    }
    return add_dataset(make_options({**usual, **changes}))


def survey_of(found: AddResult) -> SeismicSurvey:
    survey = found.description.problem.survey
    assert isinstance(survey, SeismicSurvey)
    return survey


def stored(found: AddResult, number: int = 0) -> np.ndarray:
    return np.load(found.description.measurements[number])


def gathers(number: int = 0) -> np.ndarray:
    return TRACES[number].reshape(SHOTS, R, T).transpose(0, 2, 1)
