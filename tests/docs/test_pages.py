import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fwibench.boards.columns import columns_of
from fwibench.boards.statistics import RESAMPLES
from fwibench.datasets.base import Dataset
from fwibench.plugins.registry import Registry
from fwibench.specs.base import API_VERSION
from fwibench.testing.runner import CHECKS
from fwibench_docs.results import leaderboard_rows
from fwibench_docs.tables import TABLES
from tests.conftest import Command
from tests.environment import Environment

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path: Path, salt: Dataset) -> None:
    environment = Environment(tmp_path / "environment")
    printed: dict[str, str] = {}
    for language, content in re.findall(
        r"^```(\w*)\n(.*?)^```$", (DOCS / "plugins" / "tutorial.md").read_text(), re.MULTILINE | re.DOTALL
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


@pytest.mark.slow
def test_the_commands_for_ones_own_data_run(fwibench: Command, tmp_path: Path) -> None:
    text = (DOCS / "guide" / "your-own-data.md").read_text()
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
    sections = re.split(r"^## ", (DOCS / "guide" / "recipes.md").read_text(), flags=re.MULTILINE)[1:]
    tables = {}
    for section in sections:
        title, *blocks = section.split("\n\n")
        if " " not in title:
            rows = [line.strip("|").split("|") for line in blocks[0].splitlines()]
            tables[title] = [[cell.strip() for cell in row] for row in rows[2:]]
    return tables


def test_recipes_are_the_programs(registry: Registry) -> None:
    tables = recipe_tables()
    learned = {name for name, offer in registry.methods.items() if offer.spec.trains}
    assert set(tables) == learned
    for name, rows in tables.items():
        spec = registry.method(name).spec
        for option, paper, source, *profiles in rows:
            default = spec.options.model_fields[option].default
            assert str(spec.profiles.get("paper", {}).get(option, default)) == paper, (name, option)
            assert source
            for profile, value in zip(("quick", "smoke"), profiles, strict=True):
                assert str(spec.profiles[profile].get(option, "")) == value, (name, option, profile)
        changed = {option for profile in spec.profiles.values() for option in profile}
        assert changed <= {row[0] for row in rows}


def test_conformance_page_lists_the_checks_of_each_kind() -> None:
    text = (DOCS / "plugins" / "conformance.md").read_text()
    for kind, checks in CHECKS.items():
        name = kind.__name__.removesuffix("Spec").lower()
        plural = f"{name.title()}s".replace("ys", "ies")
        assert f"## {plural}\n\n```{{fwibench-table}} checks-{name}\n" in text
        listed = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", TABLES[f"checks-{name}"](), re.MULTILINE)
        assert listed == [(check.name, check.summary) for check in checks]


@pytest.mark.slow
def test_the_commands_and_the_test_of_the_conformance_page_run(fwibench: Command, tmp_path: Path) -> None:
    text = (DOCS / "plugins" / "conformance.md").read_text()
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


def test_leaderboard_page_lists_columns_resamples_and_file_formats(registry: Registry) -> None:
    text = (DOCS / "guide" / "leaderboard.md").read_text()
    assert "```{fwibench-table} columns\n" in text.partition("## Columns")[2]
    listed = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", TABLES["columns"](), re.MULTILINE)
    columns = columns_of(registry)
    stable = [column for column in columns if column.key not in columns.further]
    assert listed == [(column.key, column.kind, column.meaning) for column in stable]
    assert f"from {RESAMPLES} resamples" in text
    files = text.partition("## Files")[2].partition("## Columns")[0]
    suffixes = set(re.findall(r"`(\.\w+)`", "".join(line.split("|")[1] for line in files.splitlines() if "|" in line)))
    assert suffixes == {offer.spec.suffix for offer in registry.exporters.values()}


def test_the_changes_of_the_plugin_api_are_told() -> None:
    versions = re.findall(r"^\| (\d+\.\d+) \|", (DOCS / "plugins" / "api.md").read_text(), re.MULTILINE)
    assert versions[-1] == API_VERSION


def test_readme_table_shows_the_recorded_leaderboard() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if re.search(r"\| [\d.]+ \(\d=?\) \|", line)]
    # a block is one run of slices, so nothing is ranked there
    recorded = {
        (row["split"], row["method"]): row
        for row in leaderboard_rows()
        if (row["dataset"], row["n_test"]) == ("salt", "10")
    }
    assert {row[0] for row in rows} == {method for _, method in recorded}
    best = [row["rank"] for row in recorded.values() if row["split"] == "random"].count("1")
    for method, _, *cells in rows:
        for split, mae, ssim in zip(("random", "block"), cells[:2], cells[2:4], strict=True):
            row = recorded[split, method]
            tie = "=" if row["rank"] == "1" and best > 1 else ""
            rank = f" ({row['rank']}{tie})" if split == "random" else ""
            assert mae == f"{float(row['mae']):.1f}{rank}"
            assert ssim == f"{float(row['ssim']):.3f}"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "results/README.md"])
def test_links_of_pages_outside_the_site_exist(name: str) -> None:
    path = ROOT / name
    targets = re.findall(r"\]\(([^)#]+)", path.read_text())
    assert targets
    assert not [target for target in targets if "://" not in target and not (path.parent / target).exists()]
