from pathlib import Path

import pytest

from tests.datasets.readers.segy_files import write_traces
from tests.datasets.user.segy_surveys import MAPS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's files, which is the current folder, with a data folder elsewhere."""
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "data"))
    (tmp_path / "user").mkdir()
    monkeypatch.chdir(tmp_path / "user")
    return tmp_path / "user"


@pytest.fixture
def survey_home(home: Path) -> Path:
    """The user's folder with three maps as SEG-Y files."""
    for i, section in enumerate(MAPS):
        write_traces(Path(f"vp{i}.segy"), section.T)
    return home
