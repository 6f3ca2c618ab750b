"""Positions of sources and receivers from the headers of SEG-Y files."""

from pathlib import Path

import numpy as np
import pytest
from segyio import BinField, TraceField

from fwibench.physics.parallel import simulate_each
from fwibench.problem import AcousticPhysics, Point, Ricker, SeismicSurvey
from fwibench.testing.problems import SEISMIC
from tests.datasets.readers.segy_files import survey_headers, write_traces
from tests.datasets.user.segy_surveys import (
    MAPS,
    NX,
    RECEIVERS,
    RNG,
    SHOTS,
    SOURCES,
    TRACES,
    R,
    added,
    shots,
    survey_of,
)


@pytest.mark.parametrize("scalar", [0, 1, 10, -100])
@pytest.mark.parametrize("shift", [0, 5000])
def test_positions_come_from_headers(scalar: int, shift: int, survey_home: Path) -> None:
    shots(survey_headers(SOURCES + shift, RECEIVERS + shift, scalar))
    found = added()
    survey = survey_of(found)
    assert [point.x for point in survey.sources] == SOURCES.tolist()
    assert [point.x for point in survey.receivers] == RECEIVERS.tolist()
    assert survey.shot_receivers == ()
    note = "first column lies at the first position, X 5000, Y 0" if shift else "x counts from X = 0"
    assert note in " ".join(found.notes)


def test_coordinates_within_section_count_from_zero(survey_home: Path) -> None:
    shots(survey_headers([50, 150, 250], np.linspace(30, 270, 16)))
    assert [point.x for point in survey_of(added()).sources] == [50, 150, 250]
    shots(survey_headers([50, 150, 250], np.linspace(30, 270, 16)))
    survey = survey_of(added(origin="30"))
    assert [point.x for point in survey.sources] == [20, 120, 220]
    assert survey.receivers[0].x == 0


def test_oblique_line_is_projected_with_note_on_bends(survey_home: Path) -> None:
    direction = np.array([0.6, 0.8])
    s, g = ((5000 + np.outer(x, direction)) for x in (np.repeat(SOURCES, R), np.tile(RECEIVERS, SHOTS)))
    bent = g + np.where(np.tile(np.arange(R), SHOTS) == 7, 40, 0)[:, None] * np.array([-0.8, 0.6])
    for group, bends in ((g, False), (bent, True)):
        xy = {"SourceX": s[:, 0], "SourceY": s[:, 1], "GroupX": group[:, 0], "GroupY": group[:, 1]}
        more = {name: np.rint(value * 100).astype(int) for name, value in xy.items()}
        shots(survey_headers(SOURCES, RECEIVERS, **(more | {"SourceGroupScalar": -100})))
        found = added(origin="5000,5000")
        assert [point.x for point in survey_of(found).sources] == pytest.approx(SOURCES, abs=2.5 if bends else 0.02)
        assert any("beside the line" in note for note in found.notes) == bends
    shots(survey_headers(SOURCES, RECEIVERS, **(more | {"SourceGroupScalar": -100})))
    far = ",".join(f"{x:g}" for x in 5000 + 300 * direction)
    turned = [point.x for point in survey_of(added(origin=far)).sources]
    assert turned == pytest.approx(300 - SOURCES, abs=2.5), "x counts from the other end"


def test_columns_of_maps_give_origin_of_section(survey_home: Path) -> None:
    for i in range(3):
        x = {TraceField.CDP_X: 4950 + 10 * np.arange(NX), TraceField.SourceGroupScalar: 1}
        write_traces(Path(f"vp{i}.segy"), MAPS[i].T, x)
    shots(survey_headers(SOURCES[:1] + 5000, RECEIVERS[:12] + 5000), TRACES[:, :12])
    found = added()
    assert survey_of(found).sources[0].x == 50
    assert "the first column lies at X 4950" in " ".join(found.notes)
    found = added(spacing=12.5)
    assert survey_of(found).sources[0].x == 0
    assert "columns of the maps are 10 m apart by their headers" in " ".join(found.notes)


def test_receivers_move_with_source(survey_home: Path) -> None:
    offsets = np.linspace(10, 160, R)
    sources = np.array([0, 60, 120])
    shots(survey_headers(sources, sources[:, None] + offsets))
    survey = survey_of(added())
    assert [[point.x for point in one] for one in survey.shot_receivers] == (sources[:, None] + offsets).tolist()
    assert survey.receivers == survey.shot_receivers[0]


def test_receivers_without_positions_use_offset(survey_home: Path) -> None:
    sources = np.array([50.0, 100.0, 150.0])
    offset = np.tile(10 * np.arange(R), SHOTS)
    shots(survey_headers(sources, np.zeros(R), offset=offset))
    found = added()
    expected = sources[:, None] + offset.reshape(SHOTS, R)
    assert [[point.x for point in one] for one in survey_of(found).shot_receivers] == expected.tolist()
    assert "positions of receivers are those of the sources and the offset (byte 37), along X" in found.notes


def test_depths_use_elevation_scalar(survey_home: Path) -> None:
    height = {"SourceDepth": 60, "ReceiverGroupElevation": -100, "ElevationScalar": -10}
    shots(survey_headers(SOURCES, RECEIVERS, **height))
    survey = survey_of(added())
    assert (survey.sources[0].z, survey.receivers[0].z) == (6, 10)
    survey = survey_of(found := added(depth=30.0))
    assert (survey.sources[0].z, survey.receivers[0].z) == (30, 30)
    assert "--depth is used; the headers place sources up to 24 m elsewhere" in found.notes
    land = {"SourceSurfaceElevation": 350, "SourceDepth": 8, "ReceiverGroupElevation": 345}
    shots(survey_headers(SOURCES, RECEIVERS, **land))
    survey = survey_of(found := added())
    assert (survey.sources[0].z, survey.receivers[0].z) == (3, 0)
    assert "the first row has the elevation of the highest position, 345 m" in " ".join(found.notes)
    assert survey_of(added(top=360.0)).receivers[0].z == 15


def test_feet_are_converted_to_metres(survey_home: Path) -> None:
    shots(survey_headers(SOURCES / 0.3, RECEIVERS / 0.3, -100), binary={BinField.MeasurementSystem: 2})
    found = added(spacing=10.16)
    assert [point.x for point in survey_of(found).sources] == pytest.approx(SOURCES * 1.016, abs=0.01)
    assert "in feet" in " ".join(found.notes)


def test_angles_are_not_used_as_positions(survey_home: Path) -> None:
    shots(survey_headers(SOURCES + 5000, RECEIVERS + 5000, CoordinateUnits=3))
    notes = " ".join(added().notes)
    assert "coordinates in the headers are angles (code 3 in byte 89) and are not used" in notes
    assert "assumed: 16 receivers, evenly spread" in notes


def test_given_positions_override_headers_with_note(survey_home: Path) -> None:
    shots(survey_headers(SOURCES + 5000, RECEIVERS + 5000))
    found = added(source_x="0,150,300")
    assert [point.x for point in survey_of(found).receivers] == RECEIVERS.tolist()
    assert "x counts so that they fit --source-x" in " ".join(found.notes)
    assert not any("is used" in note for note in found.notes)
    found = added(source_x="0,150,280")
    assert [point.x for point in survey_of(found).sources] == [0, 150, 280]
    assert "--source-x is used; the headers place sources up to 20 m elsewhere" in found.notes


def test_survey_of_headers_simulates_records(survey_home: Path) -> None:
    """Receivers move with the source, the line is oblique, lengths are in feet and recording starts late."""
    survey, physics = SEISMIC.survey, SEISMIC.physics
    assert isinstance(survey, SeismicSurvey)
    assert isinstance(physics, AcousticPhysics)
    sources = tuple(Point(x=x, z=10.0) for x in (50.0, 110.0, 170.0))
    moving = tuple(tuple(Point(x=one.x + 10.0 * i, z=20.0) for i in range(12)) for one in sources)
    # the record starts while the source is still silent
    wavelet = Ricker(frequency=15.0, delay=0.1)
    places = {"sources": sources, "receivers": moving[0], "shot_receivers": moving}
    survey = survey.model_copy(update={**places, "wavelet": wavelet})
    problem = SEISMIC.model_copy(update={"survey": survey})
    maps = [RNG.uniform(1600, 4400, problem.property_shape).astype(np.float32) for _ in range(3)]
    for path in Path().glob("vp*"):
        path.unlink()
    late = 6
    step = {BinField.Interval: round(survey.dt * 1e6), BinField.MeasurementSystem: 2}
    foot = 0.3048
    direction = np.array([0.6, -0.8])
    s = np.repeat([one.x for one in sources], 12)[:, None] * direction + [9000, 4000]
    g = np.array([one.x for row in moving for one in row])[:, None] * direction + [9000, 4000]
    coordinates = {"SourceX": s[:, 0], "SourceY": s[:, 1], "GroupX": g[:, 0], "GroupY": g[:, 1]}
    headers = {name: np.rint(value / foot * 100).astype(int) for name, value in coordinates.items()}
    headers |= {"SourceGroupScalar": -100, "ElevationScalar": -100}
    headers |= {"SourceDepth": round(1000 / foot), "ReceiverGroupElevation": -round(2000 / foot)}
    headers |= {"DelayRecordingTime": round(late * survey.dt * 1e3)}
    for i, made in enumerate(simulate_each(maps, problem)):
        traces = made[:, late:].transpose(0, 2, 1).reshape(-1, survey.nt - late)
        write_traces(Path(f"shot{i}.segy"), traces, survey_headers([0] * 3, np.zeros(12), **headers), step)
        np.save(f"vp{i}.npy", maps[i])
    found = added(
        properties="vp*.npy",
        property="velocity",
        unit="m/s",
        spacing=problem.grid.spacing,
        frequency=wavelet.frequency,
        delay=wavelet.delay,
        origin="9000,4000",
        high=problem.property.high,
        order=physics.accuracy,
        pml=physics.pml_width,
        courant=physics.courant_number,
        free_surface=physics.free_surface,
    )
    assert found.description.problem.physics is not None, found.notes
    assert survey_of(found).nt == survey.nt
    placed = np.array([[one.x for one in row] for row in survey_of(found).shot_receivers])
    # feet are written to a hundredth
    np.testing.assert_allclose(placed, [[one.x for one in row] for row in moving], atol=0.02 * foot)
