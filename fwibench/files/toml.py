"""TOML files that users write: reading them, checking their values one by one, and writing them.

Invariant: `tomllib` reads from `as_toml` what was written.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from fwibench.errors import UsageError

_FINITE = ConfigDict(allow_inf_nan=False)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Read the keys and tables of a TOML file.

    Args:
        path: The file.
        what: What it holds, for the message, such as `options`.

    Raises:
        UsageError: The file cannot be read.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # decoding errors of both kinds are ValueErrors
        raise UsageError(f"the {what} file {path} cannot be read: {error}", "see the guide for an example") from error


def check_value(where: str, key: str, value: Any, annotation: Any, meaning: str) -> Any:
    """Check the type of a value, which is not converted: a text is no number.

    Args:
        where: The file, for the message.
        key: Key of the value.
        value: The value; lists are read as tuples.
        annotation: Type that it must have.
        meaning: Meaning of the key, for the hint.

    Returns:
        The value.

    Raises:
        UsageError: It has another type.
    """
    try:
        return TypeAdapter(annotation, config=_FINITE).validate_python(_as_tuples(value), strict=True)
    except ValidationError as error:
        faults = error.errors()
        # of a union, each member has a fault of its own
        why = faults[0]["msg"].lower() if len(faults) == 1 else "it has a wrong type"
        raise UsageError(f"{where}: {key} is {value!r}: {why}", f"{key}: {meaning}") from error


def _as_tuples(value: Any) -> Any:
    """Lists as tuples, which strict validation asks for."""
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def is_toml(value: Any) -> bool:
    """Return whether TOML has a value: texts, Booleans, finite numbers, lists and tables of these, but no null."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_toml(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return all(map(is_toml, value))
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def as_toml(content: Mapping[str, Any]) -> str:
    """Return plain data as the text of a TOML file.

    Args:
        content: Values that `is_toml` accepts, by key. A mapping becomes a table, a list of mappings several.
    """
    return "\n".join(_lines(content, ())).strip() + "\n"


def _lines(content: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[str]:
    """Yield plain values, then tables with their header."""
    below: list[str] = []
    for key, value in content.items():
        name = ".".join(map(_key, (*above, key)))
        if _is_table(value):
            lines = list(_lines(value, (*above, key)))
            # a table of tables needs no header
            below += lines if all(map(_is_table, value.values())) else ["", f"[{name}]", *lines]
        elif isinstance(value, list | tuple) and value and all(map(_is_table, value)):
            for table in value:
                below += ["", f"[[{name}]]", *_dotted(table)]
        else:
            yield f"{_key(key)} = {_inline(value)}"
    yield from below


def _dotted(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of an array; those of the tables in it have dotted keys."""
    for key, value in table.items():
        if _is_table(value):
            yield from (f"{_key(key)}.{line}" for line in _dotted(value))
        else:
            yield f"{_key(key)} = {_inline(value)}"


def _is_table(value: Any) -> bool:
    """Return whether a value is a table; an empty one is written as a value."""
    return isinstance(value, Mapping) and bool(value)


def _inline(value: Any) -> str:
    """Return a value in one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_key(key)} = {_inline(one)}' for key, one in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, str):
        # TOML has JSON's escape sequences, but forbids surrogates and an unescaped DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _inline(key)
