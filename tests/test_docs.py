import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fwibench.boards.columns import columns_of
from fwibench.boards.statistics import RESAMPLES
from fwibench.datasets.base import Dataset
from fwibench.datasets.details import describe_problem, describe_splits
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset
from fwibench.specs.base import API_VERSION
from fwibench.testing.runner import CHECKS
from tests.conftest import Command
from tests.environment import Environment

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path: Path, salt: Dataset) -> None:
    environment = Environment(tmp_path / "environment")
    printed: dict[str, str] = {}
    for language, content in re.findall(
        r"^```(\w*)\n(.*?)^```$", (ROOT / "docs" / "tutorial-plugin.md").read_text(), re.MULTILINE | re.DOTALL
    ):
        if language == "python":
            path, _, source = content.removeprefix("# ").partition("\n")
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(source)
            continue
        for command in content.splitlines():
            program, *arguments = shlex.split(command)
            if program == "pip":
                environment.install(*arguments[1:], cwd=tmp_path)
                continue
            # as `fwibench` and `pytest`, which do not look for modules in the working directory
            done = environment.run("-P", "-m", program, *arguments, cwd=tmp_path)
            assert done.returncode == 0, command + done.stdout + done.stderr
            printed[command] = done.stdout
    commands = list(printed)
    assert [command.split()[0] for command in commands] == [*["fwibench"] * 3, "pytest", *["fwibench"] * 2]
    assert printed[commands[0]].count("quadratic[surface=1") == 2
    assert "network.coarse.0" in printed[commands[2]], "the network as it was written"
    assert "17 passed" in printed[commands[3]]
    assert "example-unet" in printed[commands[4]]
    # what the tutorial makes is what CI installs and the README scores
    for path in ("fwibench_example_unet/__init__.py", "fwibench_example_unet/method.py", "tests/test_method.py"):
        assert (ROOT / "plugins" / "example-unet" / path).read_text() == (tmp_path / "example-unet" / path).read_text()


def test_the_commands_for_ones_own_data_run(fwibench: Command, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "your-own-data.md").read_text()
    source = re.search(r"```python\n# make_arrays.py\n(.*?)```", text, re.DOTALL)
    commands = re.search(r"```\n(fwibench data add .*?)\n```", text, re.DOTALL)
    assert source
    assert commands
    subprocess.run([sys.executable, "-c", source[1]], cwd=tmp_path, check=True)
    outputs = []
    for command in commands[1].splitlines():
        done = fwibench(*shlex.split(command)[1:], FWIBENCH_DATA=str(tmp_path / "data"))
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert "40 samples in 2 pairs of files" in outputs[0]
    assert "mine (files), split random" in outputs[2]


def recipe_tables() -> dict[str, list[list[str]]]:
    sections = re.split(r"^## ", (ROOT / "docs" / "recipes.md").read_text(), flags=re.MULTILINE)[1:]
    tables = {}
    for section in sections:
        rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
        tables[section.split()[0]] = [[cell.strip() for cell in row] for row in rows[2:]]
    return tables


def test_recipes_are_the_programs(registry: Registry) -> None:
    tables = recipe_tables()
    learned = {name for name, offer in registry.methods.items() if offer.spec.kind == "learned"}
    assert set(tables) == learned
    for name, rows in tables.items():
        spec = registry.method(name).spec
        for option, paper, source, *profiles in rows:
            assert str(spec.options.model_fields[option].default) == paper, (name, option)
            assert source
            for profile, value in zip(("quick", "smoke"), profiles, strict=True):
                assert str(spec.profiles[profile].get(option, "")) == value, (name, option, profile)
        changed = {option for profile in spec.profiles.values() for option in profile}
        assert changed <= {row[0] for row in rows}


@pytest.mark.parametrize("name", ["salt", "marmousi", "kimberlina-leakage", "kimberlina-reservoir"])
def test_cards_are_the_programs(registry: Registry, name: str) -> None:
    card = (ROOT / "docs" / "datasets" / f"{name}.md").read_text()
    dataset = open_dataset(registry, name, "quick")
    for label, text in (*describe_problem(dataset.problem), *describe_splits(dataset)):
        assert f"| {label} | {text} |" in card, label
    for caveat in dataset.spec.caveats:
        assert f"- {caveat}\n" in card
    assert f"| fingerprint | {dataset.fingerprint[:16]} |" in card


def test_the_table_of_checks_is_the_programs() -> None:
    text = (ROOT / "docs" / "conformance.md").read_text()
    documented = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", text, re.MULTILINE)
    assert documented == [(check.name, check.summary) for checks in CHECKS.values() for check in checks]


@pytest.mark.slow
def test_the_commands_and_the_test_of_the_conformance_page_run(fwibench: Command, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "conformance.md").read_text()
    source = re.search(r"```python\n# test_conformance.py\n(.*?)```", text, re.DOTALL)
    commands = re.search(r"```\n(fwibench plugins check .*?)\n```", text, re.DOTALL)
    assert source
    assert commands
    for command in commands[1].splitlines():
        assert fwibench(*shlex.split(command)[1:]).returncode == 0, command
    (tmp_path / "test_conformance.py").write_text(source[1])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_conformance.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "18 passed, 2 skipped" in done.stdout


def test_the_columns_of_the_leaderboard_are_the_programs(registry: Registry) -> None:
    text = (ROOT / "docs" / "leaderboard.md").read_text()
    told = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", text.partition("## Columns")[2], re.MULTILINE)
    columns = columns_of(registry)
    stable = [column for column in columns if column.key not in columns.further]
    assert told == [(column.key, column.kind, column.meaning) for column in stable]
    assert f"from {RESAMPLES} resamples" in text
    files = text.partition("## Files")[2].partition("## Columns")[0]
    suffixes = set(re.findall(r"`(\.\w+)`", "".join(line.split("|")[1] for line in files.splitlines() if "|" in line)))
    assert suffixes == {offer.spec.suffix for offer in registry.exporters.values()}


def test_the_changes_of_the_plugin_api_are_told() -> None:
    versions = re.findall(r"^\| (\d+\.\d+) \|", (ROOT / "docs" / "plugin-api.md").read_text(), re.MULTILINE)
    assert versions[-1] == API_VERSION
