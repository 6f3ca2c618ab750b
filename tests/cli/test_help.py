"""Help texts as the command line prints them."""

import re

import pytest

from fwibench.cli.app import main
from tests.cli.command_tree import EVERY


def words(text: str) -> str:
    # a hyphen lets a line break after it
    return " ".join(text.split()).replace("- ", "-")


def declared(name: str) -> dict[str, str]:
    """Help texts that the code declares for a command, its options and the commands below it."""
    command = EVERY[name]
    texts = {name: command.help}
    texts |= {parameter.name: parameter.help for parameter in command.params if getattr(parameter, "help", None)}
    return texts | {below: one.help.split("\n\n")[0] for below, one in getattr(command, "commands", {}).items()}


def printed(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command line prints with `--help`."""
    with pytest.raises(SystemExit) as end:
        main([*name.split()[1:], "--help"])
    assert end.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("color", [False, True], ids=["pipe", "color"])
@pytest.mark.parametrize("name", EVERY)
def test_help_prints_every_text_as_declared(
    name: str, color: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if color:
        # with these Rich would render the help text of an app that lets it
        for variable in ("FORCE_COLOR", "PY_COLORS"):
            monkeypatch.setenv(variable, "1")
    shown = words(printed(name, capsys))
    for what, text in declared(name).items():
        assert words(text) in shown, what


def test_help_prints_square_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for name in EVERY:
        brackets = {bracket for text in declared(name).values() for bracket in re.findall(r"\[[^\]]*\]", text)}
        shown = printed(name, capsys)
        assert [bracket for bracket in brackets if bracket not in shown] == [], name
        found[name] = brackets
    assert "[alpha=1|10]" in found["fwibench run"], "the test found texts with brackets"
