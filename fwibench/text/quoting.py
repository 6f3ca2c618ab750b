"""Values in the syntax of `--methods`, `--dataset` and `--set`: quoting and splitting.

A value is a plain word, or JSON where a plain word would be ambiguous: `salt[path="/a,b/c"]`. Separators inside JSON
strings, lists and objects do not split.

Invariant: `divide` does not split a value that `spell` wrote, and `unquote` inverts `spell` for strings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_./~+:@-]+")
_BEFORE_JSON = "=|,[{:"
"""Characters after which a double quote begins a string and a brace an object; elsewhere both are plain characters."""
_CLOSING = {"[": "]", "{": "}"}


def select(name: str, options: Mapping[str, Any]) -> str:
    """Return a name with its options, given as plain data, in the syntax of a selection: `salt[snr=10]`."""
    inside = ",".join(f"{key}={spell(value)}" for key, value in options.items())
    return f"{name}[{inside}]" if inside else name


def spell(value: Any) -> str:
    """Return a value as text: an unambiguous plain word unchanged, anything else as JSON."""
    if isinstance(value, str) and _BARE.fullmatch(value) and not _is_ambiguous(value):
        return value
    return json.dumps(value)


def unquote(text: str) -> str:
    """Return the string that a quoted text represents, and any other text unchanged."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        # a backslash without an escape sequence, as in a Windows path
        return text[1:-1]
    return found if isinstance(found, str) else text


def divide(text: str, sign: str) -> Iterator[str]:
    """Split a text at a character, except within strings, lists and objects.

    Raises:
        ValueError: A list or object is not closed, or closed without being opened.
    """
    start = 0
    for position, depth in _signs(text):
        if not depth and text[position] == sign:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def _signs(text: str) -> Iterator[tuple[int, int]]:
    """Yield positions outside of strings, with the number of enclosing lists and objects."""
    open_: list[str] = []
    before = "="
    position = 0
    while position < len(text):
        sign = text[position]
        if sign == '"' and before in _BEFORE_JSON and (end := _end_of_string(text, position)):
            before, position = '"', end
            continue
        if sign == "[" or (sign == "{" and before in _BEFORE_JSON):
            open_.append(_CLOSING[sign])
        elif sign == "]" and (not open_ or open_[-1] != sign):
            raise ValueError("']' closes nothing")
        elif open_ and sign == open_[-1]:
            open_.pop()
        yield position, len(open_)
        before = before if sign.isspace() else sign
        position += 1
    if open_:
        raise ValueError(f"'{open_[-1]}' is missing")


def _end_of_string(text: str, start: int) -> int:
    """Return the position after the quote that closes a string; 0 if it is not closed."""
    match = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL).match(text, start)
    return match.end() if match else 0


def _is_ambiguous(text: str) -> bool:
    """Return whether a word would be read as a number, a Boolean or None."""
    if text.lower() in ("none", "true", "false"):
        return True
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True
