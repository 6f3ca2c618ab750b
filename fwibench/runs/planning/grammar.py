"""The language of `--methods`, `--dataset` and `--set`.

`invlint[alpha=1|10,scaling=sum],mean-map` names two methods, the first with a grid of two options;
`--set invlint.alpha=10` sets an option of every cell of that method. A value with a comma, bracket or bar stands in
double quotes: `salt[path="/a,b/c"]`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable

from fwibench.errors import UsageError
from fwibench.problem import Frozen
from fwibench.text.quoting import divide
from fwibench.text.readable import as_utf8

MOST_CELLS = 1000
"""Cells that are planned without being asked for by `--max-cells`."""
_ITEM = re.compile(r"([^\[\],\s]+)\s*(?:\[(.*)\])?", re.DOTALL)
_SYNTAX = "write names separated by commas, options in brackets: invlint[alpha=1|10,scaling=sum],mean-map"


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
    pieces = _divide(text, ",")
    # a comma may stand at the end
    for piece in pieces[:-1] if len(pieces) > 1 and not pieces[-1].strip() else pieces:
        match = _ITEM.fullmatch(piece.strip())
        if match is None:
            raise UsageError(f"cannot read '{piece}' in '{text}'", _SYNTAX)
        name, inside = match.groups()
        axes: dict[str, list[tuple[str, str]]] = {}
        for part in _divide(inside or "", ","):
            if part.strip():
                key, value = parse_assignment(part)
                if key in axes:
                    raise UsageError(f"{name} is given {key} twice", f"{name}[{key}=A|B] runs both")
                axes[key] = [(key, one.strip()) for one in _divide(value, "|")]
        check_size(f"the grid of {name}", math.prod(map(len, axes.values())), most)
        chosen += [Selected(name=name, options=dict(point)) for point in itertools.product(*axes.values())]
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


def parse_one(kind: str, text: str) -> Selected:
    """Reads one name with options.

    Args:
        kind: What is named, for messages: `method`.
        text: As for `parse_selection`.

    Raises:
        UsageError: The text cannot be read, or selects several.
    """
    chosen = parse_selection(text)
    if len(chosen) > 1:
        raise UsageError(f"'{text}' selects {len(chosen)} {kind}s, expected one", f"name one {kind} at a time")
    return chosen[0]


def _divide(text: str, sign: str) -> list[str]:
    try:
        return list(divide(text, sign))
    except ValueError as error:
        hint = f'{_SYNTAX}; other signs in quotes: salt[path="a[1]"]'
        raise UsageError(f"cannot read '{text}': {error}", hint) from error


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
