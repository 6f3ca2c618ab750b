import io
import json

import pytest

from fwibench.runs.processes.launch import _forward_events


@pytest.mark.parametrize("error", [BrokenPipeError(), TypeError("no steps"), SystemExit(1)])
def test_a_display_that_fails_does_not_stop_the_cell(error: BaseException) -> None:
    stream = io.BytesIO(b"".join(json.dumps({"report": {"step": step}}).encode() + b"\n" for step in range(9)))
    told = []

    def tell(event: dict[str, dict[str, int]]) -> None:
        told.append(event["report"]["step"])
        raise error

    _forward_events(stream, tell)
    assert told == list(range(9)), "the pipe is emptied"
