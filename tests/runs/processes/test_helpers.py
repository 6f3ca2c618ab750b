"""Further processes of a command."""

import os
import time
from pathlib import Path

import pytest

from fwibench.plugins.registry import Registry
from fwibench.runs.machine.shares import thread_variables
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.processes.helpers import helpers


@pytest.mark.slow
def test_a_helper_does_the_work_and_ends_with_the_block(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path))
    for name in thread_variables(2, {}):
        monkeypatch.delenv(name, raising=False)
    dataset = open_dataset(registry, "salt", "smoke")
    before, end = dict(os.environ), time.monotonic() + 120
    with helpers(2, ["data", "prepare", "salt", "--profile", "smoke"]):
        share = thread_variables(2, {})
        assert {name: os.environ[name] for name in share} == share
        while not dataset.prepared() and time.monotonic() < end:
            time.sleep(0.1)
    assert dataset.prepared()
    assert dict(os.environ) == before
