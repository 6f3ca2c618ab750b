"""Lists of numbers that options of the command line take."""

from __future__ import annotations

import math

from fwibench.errors import UsageError

MOST = 100_000
"""Most numbers of a list; more is a mistake such as `0:1500:1e9`."""


def read_list(text: str, option: str, example: str) -> list[float]:
    """Read numbers separated by commas.

    Args:
        text: What the user wrote.
        option: Name of the option, for messages.
        example: A list that is right, for messages.

    Raises:
        UsageError: An entry is no finite number.
    """
    parts = [part.strip() for part in text.split(",")]
    for place, part in enumerate(parts, 1):
        try:
            right = math.isfinite(float(part))
        except ValueError:
            right = False
        if not right:
            what = f"entry {place} is '{part}'" if part else f"entry {place} is empty"
            raise UsageError(
                f"{option} is '{text}', expected finite numbers separated by commas; {what}",
                f"write {option} {example}",
            )
    return [float(part) for part in parts]


def read_places(text: str, what: str) -> list[float]:
    """Read `0,150,300` or `first:last:count` as places [m].

    Args:
        text: What the user wrote.
        what: `source` or `receiver`.

    Raises:
        UsageError: It is neither.
    """
    option, example = f"--{what}-x", "0,150,300 or, for first:last:count, 0:300:3"
    if ":" not in text:
        return read_list(text, option, example)
    parts = [part.strip() for part in text.split(":")]
    try:
        first, last, count = float(parts[0]), float(parts[1]), int(parts[2])
        if len(parts) != 3 or not math.isfinite(first) or not math.isfinite(last):
            raise ValueError(text)
    except (ValueError, IndexError) as error:
        raise UsageError(f"{option} is '{text}', expected first:last:count", f"write {option} {example}") from error
    if not 1 <= count <= MOST or (count == 1 and first != last):
        raise UsageError(
            f"{option} is '{text}', which means {count} place{'s' * (count != 1)} from {first:g} to {last:g} m",
            f"one place is written {option} {first:g}; several are {example}",
        )
    return spread(count, first, last)


def spread(count: int, first: float, last: float) -> list[float]:
    """Return evenly spaced places, both ends included; a single one lies in the middle."""
    if count == 1:
        return [(first + last) / 2]
    return [first + (last - first) * i / (count - 1) for i in range(count)]
