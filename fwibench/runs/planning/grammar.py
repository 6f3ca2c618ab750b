"""Syntax of `--methods`, `--dataset`, `--test-on` and `--set`.

`invlint[alpha=1|10,scaling=sum],mean-map` selects two methods, the first with a grid of two values of alpha;
`--set invlint.alpha=10` sets an option in every cell of that method. Values with commas, brackets or bars are written
in double quotes: `salt[path="/a,b/c"]`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable
from typing import Any, Literal

from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry
from fwibench.problem import Frozen
from fwibench.runs.planning.request import MOST_CELLS, Request, Selected, check_size
from fwibench.specs.options import parse_options
from fwibench.text.quoting import divide
from fwibench.text.readable import as_utf8

Kind = Literal["method", "dataset"]
_ITEM = re.compile(r"([^\[\],\s]+)\s*(?:\[(.*)\])?", re.DOTALL)
_SYNTAX = "write names separated by commas, options in brackets: invlint[alpha=1|10,scaling=sum],mean-map"


class ParsedItem(Frozen):
    """A name with one combination of its options, as texts."""

    name: str
    options: dict[str, str]


def read_request(
    registry: Registry,
    methods: str,
    dataset: str,
    settings: Iterable[str] = (),
    test_on: str | None = None,
    **others: Any,
) -> Request:
    """Parse methods, datasets and their options.

    Args:
        registry: Registry of methods and datasets, with the types of their options.
        methods: Value of `--methods`; empty for none.
        dataset: Value of `--dataset`; empty for none.
        settings: Values of `--set`.
        test_on: Value of `--test-on`; None for none.
        others: Other fields of the request, which are no texts.

    Returns:
        The request.

    Raises:
        UsageError: A text cannot be parsed, or names something unknown.
    """
    most = others.get("max_cells", MOST_CELLS)
    return Request(
        methods=tuple(read_selected(registry, "method", methods, most)) if methods else (),
        datasets=tuple(read_selected(registry, "dataset", dataset, most)) if dataset else (),
        test_on=tuple(read_selected(registry, "dataset", test_on, most)) if test_on is not None else (),
        settings=read_settings(registry, settings),
        **others,
    )


def read_selected(registry: Registry, kind: Kind, text: str, most: int = MOST_CELLS) -> list[Selected]:
    """Parse names of methods or datasets with options; see `parse_selection`.

    Args:
        registry: Registry of methods and datasets.
        kind: `method` or `dataset`.
        text: Text from the user.
        most: Largest number of points of a grid.

    Returns:
        The methods or datasets, with typed options.

    Raises:
        UsageError: The text cannot be parsed, or names something unknown.
    """
    return [_to_selected(registry, kind, item) for item in parse_selection(text, most)]


def read_settings(registry: Registry, settings: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Parse `--set METHOD.OPTION=VALUE` to values by method and option; values of unknown methods stay texts."""
    found: dict[str, dict[str, Any]] = {}
    for name, texts in parse_settings(settings).items():
        offer = registry.methods.get(name)
        found[name] = {**texts} if offer is None else parse_options(name, offer.spec.options, texts)
    return found


def read_one(registry: Registry, kind: Kind, text: str) -> Selected:
    """Parse the name of one method or dataset, with options.

    Args:
        registry: Registry of methods and datasets.
        kind: `method` or `dataset`.
        text: Text from the user; see `parse_selection`.

    Returns:
        The method or dataset, with typed options.

    Raises:
        UsageError: The text cannot be parsed, selects several, or names something unknown.
    """
    return _to_selected(registry, kind, parse_one(kind, text))


def _to_selected(registry: Registry, kind: Kind, item: ParsedItem) -> Selected:
    spec = (registry.method if kind == "method" else registry.dataset)(item.name).spec
    return Selected(name=item.name, options=parse_options(spec.name, spec.options, item.options))


def parse_selection(text: str, most: int = MOST_CELLS) -> list[ParsedItem]:
    """Parse names with options; `|` between values defines a grid.

    Args:
        text: Text from the user.
        most: Largest number of points of a grid.

    Raises:
        UsageError: The text cannot be parsed, names nothing, or defines a larger grid.
    """
    _check_text(text)
    chosen: list[ParsedItem] = []
    pieces = _divide(text, ",")
    # a trailing comma is accepted
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
        chosen += [ParsedItem(name=name, options=dict(point)) for point in itertools.product(*axes.values())]
    if not chosen:
        raise UsageError("nothing is selected", "name at least one; fwibench list shows what there is")
    return list({(item.name, *item.options.items()): item for item in chosen}.values())


def _check_text(text: str) -> None:
    """Raise `UsageError` for bytes that are not UTF-8: names and options are stored as JSON, which is UTF-8."""
    if (valid := as_utf8(text)) != text:
        raise UsageError(f"'{valid}' holds bytes that are not UTF-8", "rename the file, or link to it")


def parse_one(kind: str, text: str) -> ParsedItem:
    """Parse one name with options.

    Args:
        kind: What is named, for messages, such as `method`.
        text: Text from the user; see `parse_selection`.

    Raises:
        UsageError: The text cannot be parsed, or selects several.
    """
    chosen = parse_selection(text)
    if len(chosen) > 1:
        raise UsageError(f"'{text}' selects {len(chosen)} {kind}s, expected one", f"name one {kind} at a time")
    return chosen[0]


def _divide(text: str, separator: str) -> list[str]:
    try:
        return list(divide(text, separator))
    except ValueError as error:
        hint = f'{_SYNTAX}; other characters in quotes: salt[path="a[1]"]'
        raise UsageError(f"cannot read '{text}': {error}", hint) from error


def parse_assignment(text: str) -> tuple[str, str]:
    """Split `key=value` into key and value.

    Raises:
        UsageError: A side is missing.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip() or not value.strip():
        raise UsageError(f"'{text.strip()}' is not an option, expected key=value")
    return key.strip(), value.strip()


def parse_log(texts: Iterable[str]) -> dict[str, str]:
    """Parse `--log NAME:DESTINATION` to destinations by name of the logger.

    Raises:
        UsageError: A logger is given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        _check_text(text)
        name, _, destination = text.partition(":")
        if name in found:
            raise UsageError(f"--log is given {name} twice", "a logger has one destination")
        found[name] = destination
    return found


def parse_settings(settings: Iterable[str]) -> dict[str, dict[str, str]]:
    """Parse `--set METHOD.OPTION=VALUE` to texts by method and option."""
    found: dict[str, dict[str, str]] = {}
    for setting in settings:
        _check_text(setting)
        key, value = parse_assignment(setting)
        name, dot, option = key.partition(".")
        if not dot:
            raise UsageError(f"'{setting}' names no method, expected METHOD.OPTION=VALUE")
        found.setdefault(name, {})[option] = value
    return found
