from pathlib import Path

import pytest

from fwibench.datasets.base import Dataset


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, salt: Dataset) -> Path:
    """An empty working folder, with the smoke samples of salt prepared."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
