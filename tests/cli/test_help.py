"""What every command prints of itself, and which numbers it takes."""

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from rich.console import Console

from fwibench.api.progress import Bars
from fwibench.cli.app import app, main
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


def test_progress_bars_print_square_brackets() -> None:
    console = Console(force_terminal=True, width=80, record=True, file=io.StringIO())
    with Bars(console) as bars:
        bars.begin("invlint on 2 samples of [bold]shots.npy")
        bars.event({"stage": "predict"})
        bars._progress.refresh()
    assert "[bold]shots.npy: predict" in console.export_text()


def test_there_are_numbers_to_check() -> None:
    assert {name for name, _ in FLOATS} >= {"fwibench data add", "fwibench reproduce"}


@pytest.mark.parametrize(("name", "option"), FLOATS, ids=lambda part: part)
@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_numbers_on_the_command_line_are_finite(name: str, option: str, value: str) -> None:
    arguments = ["x" for parameter in EVERY[name].params if parameter.param_type_name == "argument"]
    # a range keeps -inf out before, in words that differ between versions of Typer
    with pytest.raises(Exception, match=r"finite number|greater than|range"):
        EVERY[name].main([*arguments, f"{option}={value}"], standalone_mode=False)
