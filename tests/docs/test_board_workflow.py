"""The workflow of a repository of bundles, as the guide gives it."""

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.command_tree import EVERY

FILE = Path(__file__).parents[2] / "docs" / "guide" / "board.yml"


@pytest.fixture
def text() -> str:
    return FILE.read_text()


def test_strangers_get_no_secrets_and_nothing_to_write(text: str) -> None:
    assert "pull_request_target" not in text
    assert "secrets." not in text
    assert "permissions:\n  contents: read\n" in text
    # only the job that publishes what is on main can write, and it runs no code of the repository
    written = [job for job in re.split(r"\n  (?=\w+:\n)", text) if ": write" in job]
    assert len(written) == 1
    assert written[0].startswith("publish:")
    assert "run:" not in written[0]
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")


def test_actions_are_named_by_commit(text: str) -> None:
    used = re.findall(r"uses: (\S+)(.*)", text)
    assert len(used) == 8
    for action, version in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", version)


def test_no_text_of_a_pull_request_is_put_into_a_script(text: str) -> None:
    scripts = re.findall(r"run: (.*(?:\n {10,}.*)*)", text)
    assert len(scripts) == 6
    assert not [script for script in scripts if "${{" in script]


def test_commands_and_options_exist(text: str) -> None:
    found = {}
    for line in re.findall(r"\bfwibench (?:data )?[a-z]+ [^;\n]*", text):
        words = shlex.split(line)
        name = " ".join(words[: 3 if words[1] == "data" else 2])
        known = {option for parameter in EVERY[name].params for option in parameter.opts}
        found[name] = {word for word in words if re.match(r"--?[a-z]", word)} - known
    assert found == {"fwibench data prepare": set(), "fwibench verify": set(), "fwibench board": set()}
