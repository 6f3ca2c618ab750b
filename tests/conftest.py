import os

# two test processes share the cores; before torch is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fwibench.datasets.base import Dataset
from fwibench.methods.context import RunContext
from fwibench.plugins import settings
from fwibench.plugins.registry import Registry, load_registry
from fwibench.runs.opening.datasets import open_dataset


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the conformance checks first: xdist deals long runs of tests at the start and single ones at the end.

    The checks of a method share its fits, which are computed again in every process that gets some of them.
    """
    items.sort(key=lambda item: item.path.name != "test_builtin.py")


@pytest.fixture(scope="session", autouse=True)
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for all test processes, so that the smoke dataset is made once."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "data"
    os.environ["FWIBENCH_DATA"] = str(shared)
    for name in (settings.FOLDERS, settings.OWN_ONLY, settings.DISABLED, settings.OVERRIDES, settings.STRICT):
        os.environ.pop(name, None)
    return shared


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_registry()


@pytest.fixture(scope="session")
def salt(registry: Registry) -> Dataset:
    """The salt dataset, smoke profile, prepared."""
    dataset = open_dataset(registry, "salt", "smoke")
    dataset.prepare()
    return dataset


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of published arrays that are not ours to keep here; without it the test is skipped."""
    folder = Path(os.environ.get("FWIBENCH_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no published arrays here; FWIBENCH_REAL_DATA names their folder")
    return folder


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    return RunContext(workdir=tmp_path, dataset="salt", method="test")


@pytest.fixture
def watching_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, salt: Dataset) -> None:
    """Install the plugin `runs/watching.py` for the test."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("runs") / "watching.py", folder)
    monkeypatch.setenv(settings.FOLDERS, str(folder))


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fwibench(tmp_path: Path) -> Command:
    """Runs the command line in a process of its own, in an empty folder."""

    def run(*arguments: object, timeout: float = 300, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "fwibench", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, **environment},
            timeout=timeout,
        )

    return run
