"""Groups whose commands are imported when they are used, and the numbers that commands accept."""

import subprocess
import sys

import pytest
import typer

from tests.cli.command_tree import EVERY

FLOATS = [
    (name, parameter.opts[0])
    for name, command in EVERY.items()
    for parameter in command.params
    # the name of the type in the help, since versions of Typer keep it in different attributes
    if "float" in (parameter.get_help_record(typer.Context(command)) or [""])[0].lower()
]


@pytest.mark.parametrize("name", [name for name, one in EVERY.items() if hasattr(one, "commands")])
def test_summaries_are_the_first_paragraphs_of_the_commands_own_help(name: str) -> None:
    group = EVERY[name]
    for below, summary in group.commands.summaries():
        own = (EVERY[f"{name} {below}"].help or "").split("\n\n")[0]
        assert " ".join(own.split()) == summary


def test_help_imports_no_command_and_no_table() -> None:
    code = (
        "import sys\nfrom fwibench.cli.app import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "unwanted = ('fwibench.cli.commands.', 'numpy', 'pydantic', 'rich')\n"
        "print('UNWANTED', [name for name in sys.modules if name.startswith(unwanted)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "UNWANTED []" in done.stdout, done.stdout


def test_commands_have_options_with_numbers() -> None:
    assert {name for name, _ in FLOATS} >= {"fwibench data add", "fwibench reproduce"}


@pytest.mark.parametrize(("name", "option"), FLOATS, ids=lambda part: part)
@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_infinite_and_nan_options_raise(name: str, option: str, value: str) -> None:
    arguments = ["x" for parameter in EVERY[name].params if parameter.param_type_name == "argument"]
    # a range keeps -inf out before, in words that differ between versions of Typer
    with pytest.raises(Exception, match=r"finite number|greater than|range"):
        EVERY[name].main([*arguments, f"{option}={value}"], standalone_mode=False)
