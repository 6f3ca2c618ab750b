"""`plugins new`: what it writes works as it is, and it never writes over anything."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from fwibench.datasets.base import Dataset
from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry
from fwibench.plugins.scaffold import Kind, write_package
from tests.conftest import Command
from tests.environment import Environment

ROOT = Path(__file__).parents[2]
KINDS: tuple[Kind, ...] = get_args(Kind)
SHORTEST, LONGEST = "x", "a-name-of-forty-letters-which-is-longest"


@pytest.mark.parametrize("name", ["", "X", "2d", "my_net", "my--net", "net-", "a/b", "../a", LONGEST + "s"])
def test_invalid_name_is_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be a name, expected"):
        write_package("method", name, tmp_path / "out", Registry())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("invlint", r"'invlint' is taken by fwibench .* \(invlint\)"),
        ("salt", "'salt' is taken by"),
        ("mae", "'mae' is taken by"),
        ("baselines", "there is a Python package fwibench_baselines already"),
    ],
)
def test_taken_name_is_rejected(name: str, reason: str, tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(UsageError, match=reason):
        write_package("method", name, tmp_path, registry)
    assert not list(tmp_path.iterdir())


def test_existing_folder_is_never_changed(tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("mine")
    (tmp_path / "a-folder").mkdir()
    (tmp_path / "a-link").symlink_to("nowhere")
    for name in ("a-file", "a-folder", "a-link"):
        with pytest.raises(UsageError, match="exists already"):
            write_package("metric", name, tmp_path, Registry())
    assert (tmp_path / "a-file").read_text() == "mine"
    assert not list((tmp_path / "a-folder").iterdir())
    with pytest.raises(UsageError, match="cannot be written"):
        write_package("metric", "new", tmp_path / "a-file", Registry())


def test_command_lists_files_and_next_steps(fwibench: Command, tmp_path: Path) -> None:
    done = fwibench("plugins", "new", "metric", "my-error", "--output", "mine")
    assert done.returncode == 0, done.stderr
    written = sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "mine").rglob("*") if path.is_file())
    assert written == [
        "mine/my-error/README.md",
        "mine/my-error/fwibench_my_error/__init__.py",
        "mine/my-error/fwibench_my_error/metric.py",
        "mine/my-error/pyproject.toml",
        "mine/my-error/tests/test_conformance.py",
        "mine/my-error/tests/test_metric.py",
    ]
    assert "wrote mine/my-error, 6 files" in done.stdout
    assert "pip install --editable mine/my-error" in done.stdout
    assert "fwibench plugins check my-error" in done.stdout
    again = fwibench("plugins", "new", "metric", "my-error", "--output", "mine")
    assert again.returncode == 2
    assert "exists already and is left as it is" in again.stderr


def test_written_package_passes_the_linter(tmp_path: Path) -> None:
    for kind in KINDS:
        for name in (SHORTEST, LONGEST):
            write_package(kind, name, tmp_path / kind, Registry())
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", tmp_path], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_written_package_passes_mypy(tmp_path: Path) -> None:
    for kind in KINDS:
        write_package(kind, f"my-{kind}", tmp_path, Registry())
    # module by module: test files of several packages share their names
    folders = [tmp_path / f"my-{kind}" / f"fwibench_my_{kind}" for kind in KINDS]
    tests = [tmp_path / f"my-{kind}" / "tests" / f"test_{kind}.py" for kind in KINDS]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *folders, *tests, tmp_path / "my-method" / "tests" / "test_conformance.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_installed_packages_work_unchanged(tmp_path: Path, salt: Dataset) -> None:
    environment = Environment(tmp_path / "environment")

    def run(*arguments: str) -> str:
        done = environment.run("-P", "-m", *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    for kind in KINDS:
        run("fwibench", "plugins", "new", kind, f"my-{kind}")
    packages = [f"./my-{kind}" for kind in KINDS]
    environment.install(*packages, ROOT / "plugins" / "example-unet", cwd=tmp_path)
    # from the installed packages, not from the folders
    tests = [f"my-{kind}/tests" for kind in KINDS]
    passed = run("pytest", "-q", "-rs", "--import-mode=importlib", "-p", "no:cacheprovider", *tests)
    assert "skipped" not in passed
    # the others have passed the same checks in their tests
    assert "my-metric: 4 passed" in run("fwibench", "plugins", "check", "my-metric")

    smoke = ("--profile", "smoke")
    on_salt = run("fwibench", "run", "--methods", "my-method,example-unet", "--dataset", "salt", *smoke)
    assert on_salt.count("  ok") == 2
    on_mine = run(
        "fwibench", "run", "--methods", "mean-map", "--dataset", "my-dataset", *smoke, "--metrics", "my-metric"
    )
    assert "my-dataset (synthetic), split random" in on_mine
    assert "my-metric" in run("fwibench", "show", "my-dataset")
