"""Numbers and texts formatted for people; None becomes an empty text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST = 4000
"""Largest number of characters that are kept of a foreign text, such as the message of an error."""


def show_count(value: float | None) -> str:
    """Return a count with a unit prefix, such as 13.74M; empty for None."""
    if value is None:
        return ""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.2f}{letter}"
    return f"{value:.0f}"


def show_number(value: float | None, digits: int = 4) -> str:
    """Return a number with `digits` significant digits, with an exponent below 1e-3 and from 1e7 on; empty for None."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    if value and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    before = math.floor(math.log10(abs(value))) + 1 if value else 0
    return f"{value:.{max(digits - before, 0)}f}"


def show_seconds(value: float | None) -> str:
    """Return a duration given in seconds, such as 12.3s, 4m05s or 2h07m; empty for None."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    if value < 60:
        return f"{value:.1f}s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{seconds:02d}s"


def format_options(options: Mapping[str, Any]) -> str:
    """Write options as in `--methods`, sorted and without quotes: `alpha=10,scaling=sum`."""
    return ",".join(f"{name}={value}" for name, value in sorted(options.items()))


def counted(n: int, word: str) -> str:
    """`1 sample`, `2 samples`."""
    return f"{n} {word}{'s' * (n != 1)}"


def list_names(names: Sequence[object], most: int) -> str:
    """`a, b and 3 more`: at most so many names, and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def shorten(text: str, most: int = LONGEST) -> str:
    """Return a text of at most `most` characters, or its beginning and end with the number of omitted characters."""
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end]} [... {len(text) - most} characters left out ...] {text[-end:]}"


def storable(text: str) -> str:
    """Return a text for a record: shortened and valid UTF-8."""
    return as_utf8(shorten(text))


def as_utf8(text: str) -> str:
    """Return a text whose surrogates, from bytes that are not UTF-8, are escaped; JSON cannot hold them."""
    return text.encode("utf-8", "backslashreplace").decode()


def printable(text: str) -> str:
    """Return a foreign text as one line without control characters, which could control a terminal."""
    if text.isprintable():
        return text
    shown = (sign if sign.isprintable() else " " if sign.isspace() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return "".join(shown)
