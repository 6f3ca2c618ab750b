"""Numbers and texts as people read them; None is empty."""

from __future__ import annotations

import math
from collections.abc import Sequence

LONGEST = 4000
"""Characters of a text from elsewhere, such as the message of an error, that are kept and shown."""


def show_count(value: float | None) -> str:
    """Large counts with a letter: 13.74M; empty for None."""
    if value is None:
        return ""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.2f}{letter}"
    return f"{value:.0f}"


def show_number(value: float | None, digits: int = 4) -> str:
    """A number with so many significant digits, without an exponent where that is readable; empty for None."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    if value and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    before = math.floor(math.log10(abs(value))) + 1 if value else 0
    return f"{value:.{max(digits - before, 0)}f}"


def show_seconds(value: float | None) -> str:
    """A duration; empty for None."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    if value < 60:
        return f"{value:.1f}s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{seconds:02d}s"


def counted(n: int, word: str) -> str:
    """`1 sample`, `2 samples`."""
    return f"{n} {word}{'s' * (n != 1)}"


def list_names(names: Sequence[object], most: int) -> str:
    """`a, b and 3 more`: at most so many names, and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def shorten(text: str, most: int = LONGEST) -> str:
    """The text, or its beginning and its end with the number of characters left out between them."""
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end]} [... {len(text) - most} characters left out ...] {text[-end:]}"


def storable(text: str) -> str:
    """The text as it is kept in a record: of bounded length and valid."""
    return as_utf8(shorten(text))


def as_utf8(text: str) -> str:
    """The text with bytes that were no UTF-8 written as escapes; JSON has no place for them."""
    return text.encode("utf-8", "backslashreplace").decode()


def printable(text: str) -> str:
    """Text from elsewhere in one line, without the codes that command a terminal."""
    if text.isprintable():
        return text
    shown = (sign if sign.isprintable() else " " if sign.isspace() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return "".join(shown)
