"""Numbers that commands accept."""

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


def test_commands_have_options_with_numbers() -> None:
    assert {name for name, _ in FLOATS} >= {"fwibench data add", "fwibench reproduce"}


@pytest.mark.parametrize(("name", "option"), FLOATS, ids=lambda part: part)
@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_infinite_and_nan_options_raise(name: str, option: str, value: str) -> None:
    arguments = ["x" for parameter in EVERY[name].params if parameter.param_type_name == "argument"]
    # a range keeps -inf out before, in words that differ between versions of Typer
    with pytest.raises(Exception, match=r"finite number|greater than|range"):
        EVERY[name].main([*arguments, f"{option}={value}"], standalone_mode=False)
