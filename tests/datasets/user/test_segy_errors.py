"""SEG-Y files and options that cannot be used."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.errors import DataError, FwibenchError, UsageError
from tests.datasets.readers.segy_files import survey_headers, write_traces
from tests.datasets.user.segy_surveys import (
    RECEIVERS,
    SHOTS,
    SOURCES,
    TRACES,
    R,
    T,
    added,
    shots,
    survey_of,
)

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
def test_impossible_headers_raise_with_advice(
    fields: dict[str, Any], said: dict[str, Any], message: str, hint: str, survey_home: Path
) -> None:
    shots(survey_headers(SOURCES, RECEIVERS, **fields))
    with pytest.raises(FwibenchError, match=message) as wrong:
        added(**said)
    assert hint in wrong.value.hint


DAMAGED = {
    "cut": (lambda data: data[:-50], "47 whole traces of 40 samples found and 350 bytes of another"),
    "headers alone": (lambda data: data[:3600], "no trace found in 3600 bytes"),
    "no headers": (lambda data: data[:100], "100 bytes found, a SEG-Y file has headers of 3600 bytes"),
    "format": (lambda data: data[:3224] + b"\x00\x63" + data[3226:], "format code 99 found"),
    "no samples": (lambda data: data[:3220] + b"\x00\x00" + data[3222:], "says 0 samples a trace"),
}


@pytest.mark.parametrize(("spoil", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_raise_with_size_found(spoil: Any, message: str, survey_home: Path) -> None:
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
def test_malformed_lists_raise_with_example(option: str, text: str, survey_home: Path) -> None:
    shots(survey_headers(SOURCES, RECEIVERS))
    with pytest.raises(UsageError, match=re.escape(f"--{option.replace('_', '-')} is '{text}'")) as wrong:
        added(**{option: text})
    assert f"--{option.replace('_', '-')} " in wrong.value.hint


@pytest.mark.parametrize("text", ["1,,2", "1;2", "x", "nan"])
def test_malformed_frequencies_raise_with_example(text: str, survey_home: Path) -> None:
    shots(None)
    with pytest.raises(UsageError, match=re.escape(f"--frequencies is '{text}'")) as wrong:
        added(kind="em", frequencies=text)
    assert "0.1,1,10" in wrong.value.hint


def test_samples_with_different_surveys_raise(survey_home: Path) -> None:
    for i in range(3):
        write_traces(Path(f"shot{i}.segy"), TRACES[i], survey_headers(SOURCES - [0, 40 * i, 0], RECEIVERS))
    with pytest.raises(DataError, match="place sources of sample 1 up to 40 m from those of sample 0"):
        added()
    assert survey_of(added(source_x="0,150,300")).shape == (SHOTS, T, R)
