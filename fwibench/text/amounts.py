"""Amounts as users write them: names in a list, durations, memory, numbers of cells at a time."""

from __future__ import annotations

import re
from decimal import Decimal

from fwibench.errors import UsageError

LEAST_MEMORY = 10**8
"""Smallest limit of memory: the interpreter with PyTorch takes more [bytes]."""
MOST_JOBS = 1000
"""Largest number of cells at a time: each takes three processes, and systems have no more than some thousands."""
LONGEST_S = 1e8
"""Upper bound of a duration [s], about three years: timers of the operating system overflow at about a century."""


def parse_names(text: str) -> list[str]:
    """Return the names in a text that separates them by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def parse_memory(text: str) -> int:
    """Return the bytes of an amount of memory such as `500MB` or `8GB`.

    Raises:
        UsageError: The text is not a number with one of these units, or less than `LEAST_MEMORY`.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(MB|GB)", text.strip(), re.IGNORECASE)
    size = round(Decimal(match[1]) * {"MB": 10**6, "GB": 10**9}[match[2].upper()]) if match else 0
    if not LEAST_MEMORY <= size < 2**60:
        raise UsageError(f"'{text}' is not an amount of memory, expected 100MB or more, such as 500MB or 8GB")
    return size


def spell_memory(size: int) -> str:
    """Return an amount of memory as `parse_memory` reads it.

    Args:
        size: The amount [bytes].
    """
    return f"{(Decimal(size) / 10**6).normalize():f}MB"


def parse_jobs(text: str) -> int | None:
    """Return the number of cells that run side by side; None for `auto`.

    Raises:
        UsageError: The text is neither a number above 0 nor `auto`.
    """
    if text == "auto":
        return None
    if not text.isdecimal() or not 0 < int(text) <= MOST_JOBS:
        raise UsageError(f"--jobs is '{text}', expected a number from 1 to {MOST_JOBS}, or auto")
    return int(text)


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as `90`, `90s`, `1.5m` or `2h`.

    Raises:
        UsageError: The text is not a positive number with one of these units, or exceeds `LONGEST_S`.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if match is None or not 0 < float(match[1]) < LONGEST_S:
        raise UsageError(
            f"'{text}' is not a time, expected a number above 0 with the unit s, m or h, such as 90s or 30m"
        )
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def spell_duration(seconds: float) -> str:
    """Return a duration as `parse_duration` reads it.

    Args:
        seconds: The duration [s].
    """
    return f"{Decimal(str(seconds)).normalize():f}s"
