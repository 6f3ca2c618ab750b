from collections.abc import Callable
from pathlib import Path

import matplotlib
import pytest

from fwibench.plugins.registry import Registry
from fwibench.report.figures.style import STYLE
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.results import Results

Open = Callable[[], Sources]


@pytest.fixture
def read(registry: Registry, tmp_path: Path) -> Open:
    """Reads the runs that a test left in its folder."""

    def sources() -> Sources:
        results = Results(tmp_path)
        records, faults = results.records()
        assert not faults
        return Sources(results, records, registry)

    return sources


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context(STYLE):
        yield
