import shutil
from pathlib import Path

import pytest

from fwibench.datasets.base import Dataset


@pytest.fixture
def faulty_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, salt: Dataset) -> None:
    """Install the plugin `faulty.py` for the commands of the test."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("faulty.py"), folder)
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(folder))
