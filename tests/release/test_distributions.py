"""Contents of the wheel and of the source distribution."""

import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.wheel import (
    ROOT,
    differences,
    files_of_archive,
    files_of_wheel,
    hatch,
    names_of_archive,
    names_of_wheel,
)

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
"""Packages whose names on conda-forge are others than on PyPI; matplotlib-base brings no window toolkit."""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with both distributions of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return next(dist.glob("*.whl"))


def test_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    names = names_of_wheel(wheel)
    assert differences(names, files_of_wheel()) == []
    assert {
        "fwibench/py.typed",
        "fwibench/plugins/templates/pyproject.toml.jinja",
        "fwibench/report/templates/report/page.html.jinja",
        "fwibench_studies/__init__.py",
        "fwibench_baselines/__init__.py",
    } <= names
    assert not {name.split("/")[0] for name in names} & {"tests", "docs", "benchmarks", "results", "release"}


def test_archive_holds_what_the_wheel_is_built_from(dist: Path) -> None:
    names = names_of_archive(next(dist.glob("*.tar.gz")))
    assert differences(names, files_of_archive()) == []
    assert {"plugins/fwibench_invlint/__init__.py", "constraints.txt", "README.md", "LICENSE"} <= names
    assert not [name for name in names if "tests/" in name or "example-unet" in name or "__pycache__" in name]


def test_missing_and_additional_files_are_named() -> None:
    assert differences({"a", "b"}, {"b", "c"}) == ["lacks c", "should not hold a"]


def test_metadata_states_version_licence_and_readme_with_links_that_work_anywhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        (name,) = (one for one in content.namelist() if one.endswith("/METADATA"))
        metadata = Parser().parsestr(content.read(name).decode())
    assert f"fwibench-{metadata['Version']}-" in wheel.name
    assert metadata["License-Expression"] == "BSD-3-Clause"
    readme = metadata.get_payload()
    targets = [part.split(")")[0] for part in readme.split("](")[1:]]
    base = f"https://github.com/fwibench/fwibench/blob/v{metadata['Version']}/"
    assert f"{base}docs/start/index.md" in targets
    assert [one for one in targets if not one.startswith(("https://", "#"))] == []
    assert readme.count("![") == readme.count("](https://raw.githubusercontent.com/") == 1


def test_conda_recipe_requires_what_the_wheel_requires() -> None:
    recipe = yaml.safe_load((ROOT / "release" / "recipe.yaml").read_text())
    required = [f"python{PROJECT['requires-python']}", *PROJECT["dependencies"]]
    names = {one: one.split(">=")[0] for one in required}
    expected = {CONDA_NAMES.get(name, name) + one.removeprefix(name) for one, name in names.items()}
    assert {"".join(one.split()) for one in recipe["requirements"]["run"]} == expected
    (entry,) = recipe["build"]["python"]["entry_points"]
    assert entry == f"fwibench = {PROJECT['scripts']['fwibench']}"
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert set(backend) < set(recipe["requirements"]["host"])


def test_container_gets_every_file_that_the_wheel_is_built_from() -> None:
    patterns = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (\w\S+) ", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    packages = {package.split("/")[0] for package in hatch()["wheel"]["packages"]}
    needed = {"pyproject.toml", "README.md", *PROJECT["license-files"], *packages, *copied}
    assert {"*", *(f"!{name}" for name in needed)} <= set(patterns)
