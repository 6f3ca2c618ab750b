"""Measurements from SEG-Y files."""

from pathlib import Path

import numpy as np
import pytest
from segyio import BinField

from fwibench.errors import ProblemError
from fwibench.problem import SeismicSurvey
from fwibench.runs.prediction.measurements import read_measurements
from fwibench.testing.problems import SEISMIC
from tests.datasets.readers.segy_files import survey_headers, write_traces
from tests.datasets.user.segy_surveys import RNG


def test_segy_is_read_like_data_add(tmp_path: Path) -> None:
    """Notes report positions that differ from the problem's survey."""
    survey = SEISMIC.survey
    assert isinstance(survey, SeismicSurvey)
    known = [np.array([point.x for point in side]) for side in (survey.sources, survey.receivers)]
    shape = SEISMIC.measurement_shape
    array = RNG.normal(size=(2, *shape)).astype(np.float32)
    traces = array.transpose(0, 1, 3, 2).reshape(-1, shape[1])
    interval = {BinField.Interval: round(survey.dt * 1e6)}
    sources = np.tile(known[0], 2) + 5000
    path = write_traces(tmp_path / "u.segy", traces, survey_headers(sources, known[1] + 5000, -10), interval)
    incoming = read_measurements(path, SEISMIC)
    np.testing.assert_array_equal(incoming.array, array)
    assert not any("the problem's survey" in note for note in incoming.notes)
    write_traces(path, traces, survey_headers(sources, known[1] + 5020, -10), interval)
    assert "the headers place receivers up to 20 m from those" in " ".join(read_measurements(path, SEISMIC).notes)
    write_traces(path, traces, survey_headers(sources, known[1]), {BinField.Interval: 4000})
    with pytest.raises(ProblemError, match="has a time step of 0.004 s, expected"):
        read_measurements(path, SEISMIC)
    write_traces(path, traces[: -shape[2]], survey_headers(sources[:-1], known[1]), interval)
    with pytest.raises(ProblemError, match="has 5 shots, expected a multiple of 3"):
        read_measurements(path, SEISMIC)
