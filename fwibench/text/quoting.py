"""Values in the language of `--methods`, `--dataset` and `--set`: how they are written, and where texts are divided.

A value is a plain word, or JSON where a plain word would mean something else: `salt[path="/a,b/c"]`. Signs inside JSON
strings, lists and objects divide nothing.

Invariant: what `spell` writes, `divide` leaves in one piece, and `unquote` gives back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_./~+:@-]+")
_BEFORE_JSON = "=|,[{:"
"""Signs after which a double quote begins a string and a brace an object; elsewhere they are signs like any other."""
_CLOSING = {"[": "]", "{": "}"}


def select(name: str, options: Mapping[str, Any]) -> str:
    """Write a name with its options, plain data, as it is selected: `salt[snr=10]`."""
    inside = ",".join(f"{key}={spell(value)}" for key, value in options.items())
    return f"{name}[{inside}]" if inside else name


def spell(value: Any) -> str:
    """Write a value so that it is read back: a plain word as it stands, anything else as JSON."""
    if isinstance(value, str) and _BARE.fullmatch(value) and not _means_another(value):
        return value
    return json.dumps(value)


def unquote(text: str) -> str:
    """Return the string that a quoted text stands for, and any other text as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        # a backslash that begins no escape, as in a path of Windows
        return text[1:-1]
    return found if isinstance(found, str) else text


def divide(text: str, sign: str) -> Iterator[str]:
    """Split a text at a sign, except within strings, lists and objects.

    Raises:
        ValueError: A string, list or object is not closed, or closed without being opened.
    """
    start = 0
    for position, depth in _signs(text):
        if not depth and text[position] == sign:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def _signs(text: str) -> Iterator[tuple[int, int]]:
    """Positions outside of strings, with the number of lists and objects around each."""
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
    """Position after the quote that closes a string; 0 where none does."""
    match = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL).match(text, start)
    return match.end() if match else 0


def _means_another(text: str) -> bool:
    """Whether a word would be read as a number, a truth or none."""
    if text.lower() in ("none", "true", "false"):
        return True
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True
