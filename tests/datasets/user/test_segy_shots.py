"""Traces of SEG-Y files as shots and samples."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from segyio import BinField, TraceField

from fwibench.datasets.readers.segy_shots import TraceOptions, read_shots
from fwibench.errors import DataError, FwibenchError
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
    T,
    added,
    gathers,
    shots,
    stored,
    survey_of,
)

ZERO = {"FieldRecord": 0, "TraceNumber": 0, "SourceX": 0, "GroupX": 0, "TraceIdentificationCode": 0}
POINTS = np.repeat([7, 8, 9], R)
TELLING = {
    "field record (byte 9)": {"FieldRecord": POINTS},
    "energy source point (byte 17)": {"EnergySourcePoint": POINTS},
    "position of the source (bytes 73, 77)": {"SourceX": POINTS},
    "trace number that starts again (byte 13)": {"TraceNumber": np.tile(np.arange(R), SHOTS)},
}


@pytest.mark.parametrize(("how", "fields"), TELLING.items(), ids=TELLING)
def test_shots_are_grouped_by_first_header_that_differs(how: str, fields: dict[str, Any], survey_home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS, **(ZERO | fields)))
    found = added()
    assert survey_of(found).shape == (SHOTS, T, R)
    assert f"shots are distinguished by {how}" in found.notes
    np.testing.assert_array_equal(stored(found)[0], gathers())


def test_field_record_that_counts_traces_is_ignored(survey_home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS, FieldRecord=np.arange(SHOTS * R)))
    assert survey_of(added()).shape == (SHOTS, T, R)


@pytest.mark.parametrize("said", [{"source_x": "0:300:3"}, {"receiver_x": "0:300:16"}])
def test_numbers_of_options_group_traces_without_headers(said: dict[str, str], survey_home: Path) -> None:
    shots(None)
    found = added(**said)
    np.testing.assert_array_equal(stored(found)[0], gathers())
    assert any(
        note.startswith("3 shots of 16 traces in the order of the file: no trace header") for note in found.notes
    )


def test_one_shot_is_assumed_without_headers_and_options(survey_home: Path) -> None:
    shots(None)
    found = added()
    assert survey_of(found).shape == (1, T, SHOTS * R)
    assert any(note.startswith("all 48 traces are taken as one shot") for note in found.notes)


def test_traces_are_sorted_to_common_order_of_receivers(survey_home: Path) -> None:
    order = np.stack([np.arange(R), np.arange(R)[::-1], RNG.permutation(R)])
    mixed = np.concatenate([TRACES[:, R * i + order[i]] for i in range(SHOTS)], axis=1)
    shots(survey_headers(SOURCES, RECEIVERS[order]), mixed)
    found = added()
    np.testing.assert_array_equal(stored(found)[0], gathers())
    assert survey_of(found).shot_receivers == ()
    assert "traces are sorted by the positions of their receivers" in " ".join(found.notes)


@pytest.mark.parametrize(("delay", "length"), [(8, T + 8), (-8, T - 8)])
def test_delay_shifts_time_zero_to_shot(delay: int, length: int, survey_home: Path) -> None:
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


def test_delays_shift_each_trace(tmp_path: Path) -> None:
    delays = np.tile(np.arange(R) % 4 * 10, SHOTS)
    headers = survey_headers(SOURCES, RECEIVERS, DelayRecordingTime=delays, ScalarTraceHeader=-10)
    found = read_shots(write_traces(tmp_path / "a.segy", TRACES[0], headers))
    assert found.traces.shape == (SHOTS, T + 3, R)
    for r in range(R):
        np.testing.assert_array_equal(found.traces[:, r % 4 : r % 4 + T, r], gathers()[..., r])


def test_dead_traces_are_zero_and_auxiliary_traces_left_out(survey_home: Path) -> None:
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


def test_shots_are_grouped_to_samples(survey_home: Path) -> None:
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


def test_messages_name_original_files(survey_home: Path) -> None:
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


def test_dt_decides_between_contradicting_headers(survey_home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS, TRACE_SAMPLE_INTERVAL=2000))
    found = added(dt=0.002)
    assert survey_of(found).dt == 0.002
    assert "taken: 0.002 s, as --dt says" in " ".join(found.notes)
    shots(survey_headers(SOURCES, RECEIVERS))
    assert survey_of(added(dt=0.004, headers=False)).dt == 0.004


@pytest.mark.parametrize(("sample_format", "endian"), [(1, "big"), (5, "big"), (5, "little")])
def test_sample_formats_and_byte_orders_are_read(sample_format: int, endian: str, tmp_path: Path) -> None:
    headers = survey_headers(SOURCES + 100, RECEIVERS, -100)
    path = write_traces(tmp_path / "a.sgy", TRACES[0], headers, sample_format=sample_format, endian=endian)
    found = read_shots(path, TraceOptions())
    # IBM floats have 21 to 24 bits
    np.testing.assert_allclose(found.traces, gathers(), rtol=2e-6)
    assert found.positions is not None
    assert found.positions.sources[:, 0].tolist() == [100, 250, 400]


def test_columns_are_sorted_and_dead_columns_raise(survey_home: Path) -> None:
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


def test_depth_interval_that_differs_from_spacing_is_noted(survey_home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS))
    for i in range(3):
        write_traces(Path(f"vp{i}.segy"), MAPS[i].T, binary={BinField.Interval: 10000})
    assert not any("sample interval of" in note for note in added().notes)
    for i in range(3):
        write_traces(Path(f"vp{i}.segy"), MAPS[i].T, binary={BinField.Interval: 4000})
    assert "maps have a sample interval of 4000 in their headers (byte 3217), 4 m if" in " ".join(added().notes)
