"""The language of `--methods`, `--dataset` and `--set`.

`invlint[alpha=1|10,scaling=sum],mean-map` names two methods, the first with a grid of two options;
`--set invlint.alpha=10` sets an option of every cell of that method.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from fwibench.errors import OptionError, UnknownNameError, UsageError
from fwibench.problem import Frozen
from fwibench.readable import as_utf8

MOST_CELLS = 1000
"""Cells that are planned without being asked for by `--max-cells`."""
_ITEM = re.compile(r"\s*([^\[\],\s]+)\s*(?:\[([^\[\]]*)\])?\s*(?:,|$)")


class Selected(Frozen):
    """A name and one choice of its options, as texts."""

    name: str
    options: dict[str, str]


def parse_selection(text: str, most: int = MOST_CELLS) -> list[Selected]:
    """Reads names with options; a `|` between values makes a grid.

    Args:
        text: What the user wrote.
        most: Points that a grid may have.

    Raises:
        UsageError: The text cannot be read, names nothing, or makes a larger grid.
    """
    _check_text(text)
    chosen: list[Selected] = []
    position = 0
    while position < len(text):
        match = _ITEM.match(text, position)
        if match is None:
            raise UsageError(
                f"cannot read '{text[position:]}' in '{text}'",
                "write names separated by commas, options in brackets: invlint[alpha=1|10,scaling=sum],mean-map",
            )
        name, inside = match.groups()
        axes: dict[str, list[tuple[str, str]]] = {}
        for part in (inside or "").split(","):
            if part.strip():
                key, value = parse_assignment(part)
                if key in axes:
                    raise UsageError(f"{name} is given {key} twice", f"{name}[{key}=A|B] runs both")
                axes[key] = [(key, one.strip()) for one in value.split("|")]
        check_size(f"the grid of {name}", math.prod(map(len, axes.values())), most)
        chosen += [Selected(name=name, options=dict(point)) for point in itertools.product(*axes.values())]
        position = match.end()
    if not chosen:
        raise UsageError("nothing is selected", "name at least one; fwibench list shows what there is")
    return list({(item.name, *item.options.items()): item for item in chosen}.values())


def check_size(what: str, cells: int, most: int) -> None:
    """Raises `UsageError` for more cells than the user has agreed to; asked before they are made."""
    if cells > most:
        raise UsageError(f"{what} has {cells} cells, more than {most}", f"--max-cells {cells} lets it be planned")


def _check_text(text: str) -> None:
    """Raises `UsageError` for bytes that are not UTF-8: names and options are kept in JSON, which has no others."""
    if (valid := as_utf8(text)) != text:
        raise UsageError(f"'{valid}' holds bytes that are not UTF-8", "rename the file, or link to it")


def parse_assignment(text: str) -> tuple[str, str]:
    """`key=value` to its two sides."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip() or not value.strip():
        raise UsageError(f"'{text.strip()}' is not an option, expected key=value")
    return key.strip(), value.strip()


def parse_settings(settings: Iterable[str]) -> dict[str, dict[str, str]]:
    """Reads `--set METHOD.OPTION=VALUE`: options by method."""
    found: dict[str, dict[str, str]] = {}
    for setting in settings:
        _check_text(setting)
        key, value = parse_assignment(setting)
        name, dot, option = key.partition(".")
        if not dot:
            raise UsageError(f"'{setting}' does not say whose option it is, expected METHOD.OPTION=VALUE")
        found.setdefault(name, {})[option] = value
    return found


def validate_options(owner: str, model: type[BaseModel], preset: Mapping[str, Any], texts: Mapping[str, str]) -> Any:
    """Builds validated options: the preset's values, with the user's texts on top.

    Args:
        owner: Whose options these are, for messages.
        model: The options' model.
        preset: Values of the profile.
        texts: What the user wrote; a text is taken as it stands where the model allows it, else as JSON.

    Raises:
        OptionError: An option is unknown or its value is not accepted; says which and what is expected.
    """
    unknown = [name for name in texts if name not in model.model_fields]
    if unknown:
        error = UnknownNameError.among(f"option of {owner}", unknown[0], model.model_fields)
        raise OptionError(error.message, error.hint)
    values: dict[str, Any] = dict(preset)
    for name, text in texts.items():
        values[name] = _parse(model, name, text)
    try:
        options = model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"][:1])
        field = model.model_fields.get(name)
        expected = f"; {name} is the {field.description}" if field and field.description else ""
        raise OptionError(
            f"option {name} of {owner} is {first.get('input')!r}: {first['msg'].lower()}{expected}",
            f"fwibench info {owner} lists the options",
        ) from error
    for name, value in options:
        # JSON, which records are written in, knows neither
        if isinstance(value, float) and not math.isfinite(value):
            raise OptionError(
                f"option {name} of {owner} is {value}, expected a finite number", "leave it out or give one"
            )
    return options


def _parse(model: type[BaseModel], name: str, text: str) -> Any:
    """The value a text stands for: what it is as JSON where the field accepts that, else the text itself."""
    spelled = {"none": "null", "true": "true", "false": "false"}.get(text.lower(), text)
    field = model.model_fields[name]
    accepted: Any = Annotated[field.annotation, field]
    try:
        value = json.loads(spelled)
        TypeAdapter(accepted).validate_python(value)
    except ValueError:
        return text
    return value
