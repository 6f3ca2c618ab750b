"""What every command prints of itself, and which numbers it takes."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from rich.console import Console

from fwibench.cli.app import app
from fwibench.cli.console.output import console, print_table
from fwibench.cli.options import parse_duration
from fwibench.errors import UsageError


def commands(command: Any, name: str = "fwibench") -> Iterator[tuple[str, Any]]:
    yield name, command
    for below, one in getattr(command, "commands", {}).items():
        yield from commands(one, f"{name} {below}")


EVERY = dict(commands(typer.main.get_command(app)))
FLOATS = [
    (name, parameter.opts[0])
    for name, command in EVERY.items()
    for parameter in command.params
    # the name of the type in the help, since versions of Typer keep it in different attributes
    if "float" in (parameter.get_help_record(typer.Context(command)) or [""])[0].lower()
]


def words(text: str) -> str:
    # a hyphen lets a line break after it
    return " ".join(text.split()).replace("- ", "-")


@pytest.mark.parametrize("name", EVERY)
def test_help_shows_every_word(name: str) -> None:
    command = EVERY[name]
    shown = words(command.get_help(typer.Context(command, info_name=name)))
    assert words(command.help) in shown
    for parameter in command.params:
        if getattr(parameter, "help", None) and not parameter.hidden:
            assert words(parameter.help) in shown, parameter.name
    for below in getattr(command, "commands", {}).values():
        assert words(below.help.split("\n\n")[0]) in shown


def test_square_brackets_are_shown() -> None:
    texts = {name: command.get_help(typer.Context(command, info_name=name)) for name, command in EVERY.items()}
    assert "[alpha=1|10]" in texts["fwibench run"]


@pytest.mark.parametrize("text", ["inf", "nan", "1e999", "9" * 400 + "h", "-1s"])
def test_time_limits_are_finite(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        parse_duration(text)


def test_brackets_in_names_and_paths_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal in (True, False):
        printed = Console(highlight=False, markup=console()._markup, force_terminal=terminal, width=80, record=True)
        monkeypatch.setattr("fwibench.cli.console.output.console", lambda shown=printed: shown)
        printed.print("wrote /tmp/a[b]/c", soft_wrap=True)
        print_table("maps [m/s]", ("name [m]", "path"), [["salt[snr=10]", "/a[b]"], ["\\[x]", "[bold]"]])
        text = printed.export_text()
        for expected in ("/tmp/a[b]/c", "maps [m/s]", "name [m]", "salt[snr=10]", "/a[b]", "\\[x]", "[bold]"):
            assert expected in text


def test_there_are_numbers_to_check() -> None:
    assert {name for name, _ in FLOATS} >= {"fwibench data add", "fwibench reproduce"}


@pytest.mark.parametrize(("name", "option"), FLOATS, ids=lambda part: part)
@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_numbers_on_the_command_line_are_finite(name: str, option: str, value: str) -> None:
    arguments = ["x" for parameter in EVERY[name].params if parameter.param_type_name == "argument"]
    # a range keeps -inf out before, in words that differ between versions of Typer
    with pytest.raises(Exception, match=r"finite number|greater than|range"):
        EVERY[name].main([*arguments, f"{option}={value}"], standalone_mode=False)
