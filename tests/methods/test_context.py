import time
from pathlib import Path

import pytest

from fwibench.methods.context import RunContext


def test_seeds_of_streams_differ_and_are_independent() -> None:
    context = RunContext(workdir=Path(), dataset="salt", method="a")
    seeds = {context.seed(stream) for stream in ("init", "data", "augment")}
    assert len(seeds) == 3
    assert RunContext(workdir=Path("/elsewhere"), dataset="salt", method="a").seed("init") == context.seed("init")
    assert RunContext(workdir=Path(), dataset="salt", method="b").seed("init") != context.seed("init")
    assert RunContext(workdir=Path(), dataset="salt", method="a", repetition=1).seed("init") != context.seed("init")


def test_unknown_stream_is_rejected() -> None:
    with pytest.raises(ValueError, match="unknown random stream 'nosie'"):
        RunContext(workdir=Path()).seed("nosie")


def test_budget_decreases_to_zero_at_the_deadline() -> None:
    assert RunContext(workdir=Path()).budget is None
    assert not RunContext(workdir=Path()).should_stop()
    assert not RunContext(workdir=Path(), deadline=time.monotonic() + 60).should_stop()
    assert RunContext(workdir=Path(), deadline=time.monotonic() - 1).should_stop()
