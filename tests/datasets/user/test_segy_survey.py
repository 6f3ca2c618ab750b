"""Shots and their geometry from the headers of SEG-Y files, by `data add`."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from segyio import BinField, TraceField

from fwibench.datasets.readers.segy_shots import Stated, read_shots
from fwibench.datasets.user.add import Findings, add
from fwibench.datasets.user.description import forget
from fwibench.datasets.user.options import Addition
from fwibench.errors import DataError, FwibenchError, ProblemError, UsageError
from fwibench.physics.parallel import simulate_each
from fwibench.problem import AcousticPhysics, Point, Ricker, SeismicSurvey
from fwibench.runs.prediction.measurements import read_measurements
from fwibench.testing.problems import SEISMIC
from tests.datasets.readers.segy_files import survey_headers, write_traces

NX, NZ, SPACING = 31, 12, 10.0
SOURCES = np.array([0.0, 150.0, 300.0])
RECEIVERS = np.linspace(0, 300, 16)
SHOTS, R, T = len(SOURCES), len(RECEIVERS), 40
RNG = np.random.default_rng(0)
TRACES = RNG.normal(size=(3, SHOTS * R, T)).astype(np.float32)
MAPS = RNG.uniform(1500, 4000, (3, NZ, NX)).astype(np.float32)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    (tmp_path / "user").mkdir()
    monkeypatch.chdir(tmp_path / "user")
    for i in range(3):
        write_traces(Path(f"vp{i}.segy"), MAPS[i].T)
    return tmp_path / "user"


def shots(headers: dict[Any, Any] | None, traces: np.ndarray = TRACES, **how: Any) -> None:
    for i, one in enumerate(traces):
        write_traces(Path(f"shot{i}.segy"), one, headers, **how)


def added(**changes: Any) -> Findings:
    forget("mine")
    # nothing is simulated for another property than velocity, which saves time
    usual = Addition(
        name="mine",
        measurements="shot*.segy",
        properties="vp*.segy",
        spacing=SPACING,
        frequency=15.0,
        val=1,
        test=1,
        property="hardness",
        unit="1",
    )
    return add(replace(usual, **changes))


def survey_of(found: Findings) -> SeismicSurvey:
    survey = found.description.problem.survey
    assert isinstance(survey, SeismicSurvey)
    return survey


def stored(found: Findings, number: int = 0) -> np.ndarray:
    return np.load(found.description.measurements[number])


def gathers(number: int = 0) -> np.ndarray:
    return TRACES[number].reshape(SHOTS, R, T).transpose(0, 2, 1)


ZERO = {"FieldRecord": 0, "TraceNumber": 0, "SourceX": 0, "GroupX": 0, "TraceIdentificationCode": 0}
POINTS = np.repeat([7, 8, 9], R)
TELLING = {
    "field record (byte 9)": {"FieldRecord": POINTS},
    "energy source point (byte 17)": {"EnergySourcePoint": POINTS},
    "place of the source (bytes 73, 77)": {"SourceX": POINTS},
    "trace number that starts again (byte 13)": {"TraceNumber": np.tile(np.arange(R), SHOTS)},
}


@pytest.mark.parametrize(("how", "fields"), TELLING.items(), ids=TELLING)
def test_shots_are_told_apart_by_whatever_header_does(how: str, fields: dict[str, Any], home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS, **(ZERO | fields)))
    found = added()
    assert survey_of(found).shape == (SHOTS, T, R)
    assert f"shots are told apart by {how}" in found.notes
    np.testing.assert_array_equal(stored(found)[0], gathers())


def test_a_field_record_that_counts_traces_does_not_make_shots_of_one_trace(home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS, FieldRecord=np.arange(SHOTS * R)))
    assert survey_of(added()).shape == (SHOTS, T, R)


@pytest.mark.parametrize("said", [{"source_x": "0:300:3"}, {"receiver_x": "0:300:16"}])
def test_without_headers_the_stated_numbers_decide_and_that_is_told(said: dict[str, str], home: Path) -> None:
    shots(None)
    found = added(**said)
    np.testing.assert_array_equal(stored(found)[0], gathers())
    assert any(
        note.startswith("3 shots of 16 traces in the order of the file: no trace header") for note in found.notes
    )


def test_without_headers_and_numbers_one_shot_is_assumed_and_told(home: Path) -> None:
    shots(None)
    found = added()
    assert survey_of(found).shape == (1, T, SHOTS * R)
    assert any(note.startswith("all 48 traces are taken as one shot") for note in found.notes)


@pytest.mark.parametrize("scalar", [0, 1, 10, -100])
@pytest.mark.parametrize("shift", [0, 5000])
def test_places_come_from_headers(scalar: int, shift: int, home: Path) -> None:
    shots(survey_headers(SOURCES + shift, RECEIVERS + shift, scalar))
    found = added()
    survey = survey_of(found)
    assert [point.x for point in survey.sources] == SOURCES.tolist()
    assert [point.x for point in survey.receivers] == RECEIVERS.tolist()
    assert survey.shot_receivers == ()
    told = "first column lies at the first place, X 5000, Y 0" if shift else "x counts from X = 0"
    assert told in " ".join(found.notes)


def test_zero_stays_the_first_column_where_all_places_fit_so(home: Path) -> None:
    shots(survey_headers([50, 150, 250], np.linspace(30, 270, 16)))
    assert [point.x for point in survey_of(added()).sources] == [50, 150, 250]
    shots(survey_headers([50, 150, 250], np.linspace(30, 270, 16)))
    survey = survey_of(added(origin="30"))
    assert [point.x for point in survey.sources] == [20, 120, 220]
    assert survey.receivers[0].x == 0


def test_an_oblique_line_is_projected_and_its_bends_are_told(home: Path) -> None:
    direction = np.array([0.6, 0.8])
    s, g = ((5000 + np.outer(x, direction)) for x in (np.repeat(SOURCES, R), np.tile(RECEIVERS, SHOTS)))
    bent = g + np.where(np.tile(np.arange(R), SHOTS) == 7, 40, 0)[:, None] * np.array([-0.8, 0.6])
    for group, told in ((g, False), (bent, True)):
        xy = {"SourceX": s[:, 0], "SourceY": s[:, 1], "GroupX": group[:, 0], "GroupY": group[:, 1]}
        more = {name: np.rint(value * 100).astype(int) for name, value in xy.items()}
        shots(survey_headers(SOURCES, RECEIVERS, **(more | {"SourceGroupScalar": -100})))
        found = added(origin="5000,5000")
        assert [point.x for point in survey_of(found).sources] == pytest.approx(SOURCES, abs=2.5 if told else 0.02)
        assert any("beside the line" in note for note in found.notes) == told
    shots(survey_headers(SOURCES, RECEIVERS, **(more | {"SourceGroupScalar": -100})))
    far = ",".join(f"{x:g}" for x in 5000 + 300 * direction)
    turned = [point.x for point in survey_of(added(origin=far)).sources]
    assert turned == pytest.approx(300 - SOURCES, abs=2.5), "x counts from the other end"


def test_columns_of_the_maps_say_where_the_section_lies(home: Path) -> None:
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


def test_receivers_that_move_with_the_source(home: Path) -> None:
    offsets = np.linspace(10, 160, R)
    sources = np.array([0, 60, 120])
    shots(survey_headers(sources, sources[:, None] + offsets))
    survey = survey_of(added())
    assert [[point.x for point in one] for one in survey.shot_receivers] == (sources[:, None] + offsets).tolist()
    assert survey.receivers == survey.shot_receivers[0]


def test_receivers_without_places_are_placed_by_their_offset(home: Path) -> None:
    sources = np.array([50.0, 100.0, 150.0])
    offset = np.tile(10 * np.arange(R), SHOTS)
    shots(survey_headers(sources, np.zeros(R), offset=offset))
    found = added()
    expected = sources[:, None] + offset.reshape(SHOTS, R)
    assert [[point.x for point in one] for one in survey_of(found).shot_receivers] == expected.tolist()
    assert "places of receivers are those of the sources and the offset (byte 37), along X" in found.notes


def test_traces_of_shots_are_brought_to_one_order_of_receivers(home: Path) -> None:
    order = np.stack([np.arange(R), np.arange(R)[::-1], RNG.permutation(R)])
    mixed = np.concatenate([TRACES[:, R * i + order[i]] for i in range(SHOTS)], axis=1)
    shots(survey_headers(SOURCES, RECEIVERS[order]), mixed)
    found = added()
    np.testing.assert_array_equal(stored(found)[0], gathers())
    assert survey_of(found).shot_receivers == ()
    assert "traces are sorted by the places of their receivers" in " ".join(found.notes)


def test_depths_come_from_headers_in_their_own_scalar(home: Path) -> None:
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
    assert "the first row has the elevation of the highest place, 345 m" in " ".join(found.notes)
    assert survey_of(added(top=360.0)).receivers[0].z == 15


@pytest.mark.parametrize(("delay", "length"), [(8, T + 8), (-8, T - 8)])
def test_a_delay_shifts_time_zero_to_the_shot(delay: int, length: int, home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS, DelayRecordingTime=delay))
    found = added()
    traces = stored(found)[0]
    assert traces.shape == (SHOTS, length, R)
    if delay > 0:
        assert not traces[:, :delay].any()
        np.testing.assert_array_equal(traces[:, delay:], gathers())
    else:
        np.testing.assert_array_equal(traces, gathers()[:, -delay:])
    assert f"recording starts {delay / 1000:g} s after the shot" in " ".join(found.notes)
    assert stored(added(headers=False)).shape[2] == T


def test_delays_that_differ_shift_each_trace(tmp_path: Path) -> None:
    delays = np.tile(np.arange(R) % 4 * 10, SHOTS)
    headers = survey_headers(SOURCES, RECEIVERS, DelayRecordingTime=delays, ScalarTraceHeader=-10)
    found = read_shots(write_traces(tmp_path / "a.segy", TRACES[0], headers))
    assert found.traces.shape == (SHOTS, T + 3, R)
    for r in range(R):
        np.testing.assert_array_equal(found.traces[:, r % 4 : r % 4 + T, r], gathers()[..., r])


def test_dead_traces_are_zero_and_auxiliary_ones_left_out(home: Path) -> None:
    codes = np.ones(SHOTS * R, int)
    codes[[3, 20]] = 2
    headers = survey_headers(SOURCES, RECEIVERS, TraceIdentificationCode=codes)
    auxiliary = {
        field: np.insert(np.broadcast_to(value, len(codes)), [0, R, 2 * R], 6) for field, value in headers.items()
    }
    auxiliary[TraceField.SourceGroupScalar] = 1
    shots(auxiliary, np.insert(TRACES, [0, R, 2 * R], 99.0, axis=1))
    found = added()
    expected = gathers().copy()
    expected[0, :, 3] = expected[1, :, 4] = 0
    np.testing.assert_array_equal(stored(found)[0], expected)
    notes = " ".join(found.notes)
    assert "3 of 51 traces are auxiliary (code 6 in byte 29) and are left out" in notes
    assert "2 of 51 traces are marked as dead" in notes


def test_feet_become_metres(home: Path) -> None:
    shots(survey_headers(SOURCES / 0.3, RECEIVERS / 0.3, -100), binary={BinField.MeasurementSystem: 2})
    found = added(spacing=10.16)
    assert [point.x for point in survey_of(found).sources] == pytest.approx(SOURCES * 1.016, abs=0.01)
    assert "in feet" in " ".join(found.notes)


def test_angles_are_not_taken_for_lengths(home: Path) -> None:
    shots(survey_headers(SOURCES + 5000, RECEIVERS + 5000, CoordinateUnits=3))
    notes = " ".join(added().notes)
    assert "coordinates in the headers are angles (code 3 in byte 89) and are not used" in notes
    assert "assumed: 16 receivers, evenly spread" in notes


def test_stated_places_override_headers_and_contradictions_are_told(home: Path) -> None:
    shots(survey_headers(SOURCES + 5000, RECEIVERS + 5000))
    found = added(source_x="0,150,300")
    assert [point.x for point in survey_of(found).receivers] == RECEIVERS.tolist()
    assert "x counts so that they fit --source-x" in " ".join(found.notes)
    assert not any("is used" in note for note in found.notes)
    found = added(source_x="0,150,280")
    assert [point.x for point in survey_of(found).sources] == [0, 150, 280]
    assert "--source-x is used; the headers place sources up to 20 m elsewhere" in found.notes


def test_groups_of_shots_are_samples(home: Path) -> None:
    np.save("vp.npy", np.repeat(MAPS, 2, axis=0))
    for path in Path().glob("shot*"):
        path.unlink()
    x = np.full(6, 75.0)
    traces = RNG.normal(size=(6 * R, T)).astype(np.float32)
    write_traces(Path("shots.segy"), traces, survey_headers(x, RECEIVERS))
    for said in ({"source_x": "75"}, {"source_x": "75:75:1"}, {"shots_per_sample": 1}):
        found = added(measurements="shots.segy", properties="vp.npy", **said)
        assert (found.description.counts, survey_of(found).shape) == ((6,), (1, T, R))
        np.testing.assert_array_equal(stored(found)[:, 0], traces.reshape(6, R, T).transpose(0, 2, 1))
        assert survey_of(found).sources[0].x == 75
    with pytest.raises(DataError, match="holds 6 shots, expected a multiple of 4"):
        added(measurements="shots.segy", properties="vp.npy", shots_per_sample=4)


def test_samples_with_other_places_are_refused(home: Path) -> None:
    for i in range(3):
        write_traces(Path(f"shot{i}.segy"), TRACES[i], survey_headers(SOURCES - [0, 40 * i, 0], RECEIVERS))
    with pytest.raises(DataError, match="place sources of sample 1 up to 40 m from those of sample 0"):
        added()
    assert survey_of(added(source_x="0,150,300")).shape == (SHOTS, T, R)


def test_originals_are_paired_and_named_though_converted(home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS))
    for i in range(3):
        np.save(f"np_vp{i}.npy", MAPS[i])
    found = added(properties="np_vp*.npy")
    np.testing.assert_array_equal(stored(found, 2)[0], gathers(2))
    assert [path.name for path in found.description.properties] == ["np_vp0.npy", "np_vp1.npy", "np_vp2.npy"]
    Path("np_vp1.npy").rename("np_vp7.npy")
    with pytest.raises(DataError, match=r"no partner for shot1.segy, np_vp7.npy"):
        added(properties="np_vp*.npy")
    Path("np_vp7.npy").unlink()
    np.save("np_vp1.npy", MAPS[:2])
    with pytest.raises(FwibenchError, match=r"shot1.segy holds 1 samples, .*np_vp1.npy holds 2"):
        added(properties="np_vp*.npy")


MIXED = np.where(np.arange(SHOTS * R) < 20, 1000, 2000)
WRONG = {
    "scalar": ({"SourceGroupScalar": 1000}, {}, "headers place sources at 0 to 300000 m, the section", "byte 71"),
    "origin": ({}, {"origin": "200"}, "headers place sources at -200 to 100 m", "--origin"),
    "deep": ({"SourceDepth": 900}, {}, "sources at depths of 900 to 900 m", "--top"),
    "all dead": ({"TraceIdentificationCode": 2}, {}, "every trace is marked as dead", "--no-headers"),
    "components": ({"TraceIdentificationCode": 12 + np.arange(48) % 2}, {}, "several kinds", "component"),
    "unequal shots": ({"FieldRecord": MIXED}, {}, r"field record \(byte 9\) have 20 to 28 traces", "pad"),
    "mixed dt": ({"TRACE_SAMPLE_INTERVAL": MIXED}, {}, "0.001 s, 0.002 s", "resample"),
    "other dt": ({"TRACE_SAMPLE_INTERVAL": 2000}, {}, r"0.001 s \(byte 3217\), its traces of 0.002 s", "--dt"),
    "stated dt": ({}, {"dt": 0.004}, "--dt is 0.004 s, the files say 0.001 s", "--no-headers"),
    "lengths": ({"TRACE_SAMPLE_COUNT": 99}, {}, r"the first trace has 99 samples \(byte 115\)", "correct"),
    "late": ({"DelayRecordingTime": -100}, {}, "recording ends before the shot", "--no-headers"),
}


@pytest.mark.parametrize(("fields", "said", "message", "hint"), WRONG.values(), ids=WRONG)
def test_headers_that_cannot_be_are_explained(
    fields: dict[str, Any], said: dict[str, Any], message: str, hint: str, home: Path
) -> None:
    shots(survey_headers(SOURCES, RECEIVERS, **fields))
    with pytest.raises(FwibenchError, match=message) as wrong:
        added(**said)
    assert hint in wrong.value.hint


def test_dt_decides_between_headers_that_contradict_each_other(home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS, TRACE_SAMPLE_INTERVAL=2000))
    found = added(dt=0.002)
    assert survey_of(found).dt == 0.002
    assert "taken: 0.002 s, as --dt says" in " ".join(found.notes)
    shots(survey_headers(SOURCES, RECEIVERS))
    assert survey_of(added(dt=0.004, headers=False)).dt == 0.004


@pytest.mark.parametrize(("sample_format", "endian"), [(1, "big"), (5, "big"), (5, "little")])
def test_formats_and_byte_orders(sample_format: int, endian: str, tmp_path: Path) -> None:
    headers = survey_headers(SOURCES + 100, RECEIVERS, -100)
    path = write_traces(tmp_path / "a.sgy", TRACES[0], headers, sample_format=sample_format, endian=endian)
    found = read_shots(path, Stated())
    # IBM floats have 21 to 24 bits
    np.testing.assert_allclose(found.traces, gathers(), rtol=2e-6)
    assert found.places is not None
    assert found.places.sources[:, 0].tolist() == [100, 250, 400]


DAMAGED = {
    "cut": (lambda data: data[:-50], "47 whole traces of 40 samples found and 350 bytes of another"),
    "headers alone": (lambda data: data[:3600], "no trace found in 3600 bytes"),
    "no headers": (lambda data: data[:100], "100 bytes found, a SEG-Y file has headers of 3600 bytes"),
    "format": (lambda data: data[:3224] + b"\x00\x63" + data[3226:], "format code 99 found"),
    "no samples": (lambda data: data[:3220] + b"\x00\x00" + data[3222:], "says 0 samples a trace"),
}


@pytest.mark.parametrize(("spoil", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_say_what_is_there(spoil: Any, message: str, home: Path) -> None:
    shots(None)
    Path("shot1.segy").write_bytes(spoil(Path("shot1.segy").read_bytes()))
    with pytest.raises(DataError, match=rf"shot1.segy cannot be read as .segy: .*{message}"):
        added()


@pytest.mark.parametrize(
    ("option", "text"),
    [
        (option, text)
        for option in ("source_x", "receiver_x")
        for text in ("0:150:x", "0:150", "0:150:2.5", "0:150:0", "0:150:1", "0:1:1000000000", "0:inf:3", "a:b:c:d")
    ]
    + [
        (option, text)
        for option in ("source_x", "receiver_x", "origin")
        for text in ("0,,3", "0;3", "x", "nan", "1,inf")
    ]
    + [("origin", "1,2,3")],
)
def test_malformed_lists_are_errors_with_an_example(option: str, text: str, home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS))
    with pytest.raises(UsageError, match=re.escape(f"--{option.replace('_', '-')} is '{text}'")) as wrong:
        added(**{option: text})
    assert f"--{option.replace('_', '-')} " in wrong.value.hint


@pytest.mark.parametrize("text", ["1,,2", "1;2", "x", "nan"])
def test_malformed_frequencies_too(text: str, home: Path) -> None:
    shots(None)
    with pytest.raises(UsageError, match=re.escape(f"--frequencies is '{text}'")) as wrong:
        added(kind="em", frequencies=text)
    assert "0.1,1,10" in wrong.value.hint


def test_columns_of_maps_are_sorted_and_dead_ones_refused(home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS))
    order = RNG.permutation(NX)
    for i in range(3):
        write_traces(Path(f"vp{i}.segy"), MAPS[i].T[order], {TraceField.CDP_X: 10 * order})
    found = added()
    np.testing.assert_array_equal(np.load(found.description.properties[0])[0], MAPS[0])
    assert "columns of maps are sorted by CDP_X (byte 181)" in found.notes
    write_traces(Path("vp1.segy"), MAPS[1].T, {TraceField.TraceIdentificationCode: np.where(order == 0, 2, 1)})
    with pytest.raises(DataError, match="1 of 31 traces are marked as dead"):
        added()


def test_another_depth_interval_than_the_spacing_is_told(home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS))
    for i in range(3):
        write_traces(Path(f"vp{i}.segy"), MAPS[i].T, binary={BinField.Interval: 10000})
    assert not any("sample interval of" in note for note in added().notes)
    for i in range(3):
        write_traces(Path(f"vp{i}.segy"), MAPS[i].T, binary={BinField.Interval: 4000})
    assert "maps have a sample interval of 4000 in their headers (byte 3217), 4 m if" in " ".join(added().notes)


def test_predict_reads_segy_as_data_add_does(tmp_path: Path) -> None:
    """Notes say where the survey of the file is not that of the problem."""
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
    assert not any("the method knows" in note for note in incoming.notes)
    write_traces(path, traces, survey_headers(sources, known[1] + 5020, -10), interval)
    assert "the headers place receivers up to 20 m from those" in " ".join(read_measurements(path, SEISMIC).notes)
    write_traces(path, traces, survey_headers(sources, known[1]), {BinField.Interval: 4000})
    with pytest.raises(ProblemError, match="has a time step of 0.004 s, the method knows"):
        read_measurements(path, SEISMIC)
    write_traces(path, traces[: -shape[2]], survey_headers(sources[:-1], known[1]), interval)
    with pytest.raises(ProblemError, match="has 5 shots, expected a multiple of 3"):
        read_measurements(path, SEISMIC)


def test_headers_alone_make_a_survey_that_simulates_the_records(home: Path) -> None:
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
