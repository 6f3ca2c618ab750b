"""Lists in texts of options: numbers, positions, sample numbers, groups of samples."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fwibench.errors import UsageError

MOST_POSITIONS = 100_000
"""More positions than this are a mistake such as `0:1500:1e9`."""


def parse_numbers(text: str, option: str, example: str) -> list[float]:
    """Parse numbers separated by commas.

    Args:
        text: Value of the option.
        option: Name of the option, for messages.
        example: A correct value, for messages.

    Raises:
        UsageError: An entry is no finite number.
    """
    parts = [part.strip() for part in text.split(",")]
    for number, part in enumerate(parts, 1):
        try:
            valid = math.isfinite(float(part))
        except ValueError:
            valid = False
        if not valid:
            what = f"entry {number} is '{part}'" if part else f"entry {number} is empty"
            raise UsageError(
                f"{option} is '{text}', expected finite numbers separated by commas; {what}",
                f"write {option} {example}",
            )
    return [float(part) for part in parts]


def parse_positions(text: str, what: str) -> list[float]:
    """Parse `0,150,300` or `first:last:count` as positions [m].

    Args:
        text: Value of the option.
        what: `source` or `receiver`.

    Raises:
        UsageError: The text has neither form.
    """
    option, example = f"--{what}-x", "0,150,300 or, for first:last:count, 0:300:3"
    if ":" not in text:
        return parse_numbers(text, option, example)
    parts = [part.strip() for part in text.split(":")]
    try:
        first, last, count = float(parts[0]), float(parts[1]), int(parts[2])
        if len(parts) != 3 or not math.isfinite(first) or not math.isfinite(last):
            raise ValueError(text)
    except (ValueError, IndexError) as error:
        raise UsageError(f"{option} is '{text}', expected first:last:count", f"write {option} {example}") from error
    if not 1 <= count <= MOST_POSITIONS or (count == 1 and first != last):
        raise UsageError(
            f"{option} is '{text}', which means {count} position{'s' * (count != 1)} from {first:g} to {last:g} m",
            f"one position is written {option} {first:g}; several are {example}",
        )
    return space_positions(count, first, last)


def space_positions(count: int, first: float, last: float) -> list[float]:
    """Return evenly spaced positions; a single one lies in the middle.

    Args:
        count: Number of positions.
        first: First position [m].
        last: Last position [m].
    """
    if count == 1:
        return [(first + last) / 2]
    # not numpy.linspace, which rounds otherwise: positions are part of the fingerprint of an added dataset
    return [first + (last - first) * i / (count - 1) for i in range(count)]


def parse_sample_numbers(text: str, n: int) -> tuple[int, ...]:
    """Parse sample numbers such as `0,5,10:20`, of which 20 is left out; sorted, each once.

    Args:
        text: Value of `--test-numbers`.
        n: Number of samples.

    Raises:
        UsageError: The text has another form, or a number is not that of a sample.
    """
    found: set[int] = set()
    try:
        for part in text.split(","):
            first, _, end = part.partition(":")
            found |= set(range(int(first), int(end))) if end else {int(first)}
    except ValueError as error:
        raise UsageError(
            f"--test-numbers is '{text}', expected numbers such as 0,5,10:20", "10:20 is 10 to 19"
        ) from error
    if not found or min(found) < 0 or max(found) >= n:
        raise UsageError(
            f"--test-numbers is '{text}', expected numbers from 0 to {n - 1}",
            "samples count from 0, all files in a row",
        )
    return tuple(sorted(found))


def parse_groups(text: str, counts: Sequence[int]) -> tuple[str, ...]:
    """Return the name of each sample's group; empty for an empty text.

    Args:
        text: Value of `--groups`: `files`, a number of samples, or a name for each sample.
        counts: Number of samples in each file.

    Raises:
        UsageError: The text has another form, or does not fit the number of samples.
    """
    n = sum(counts)
    if text == "files":
        return tuple(f"file-{number}" for number, count in enumerate(counts) for _ in range(count))
    if text.isdecimal() and n > 1:
        rows = int(text)
        if not 1 <= rows <= n:
            raise UsageError(f"--groups is {rows}, expected 1 to {n} samples in a row", "such as --groups 20")
        return tuple(f"samples-from-{number - number % rows}" for number in range(n)) if rows > 1 else ()
    names = tuple(name.strip() for name in text.split(",")) if text else ()
    if not all(names) or len(names) not in (0, n):
        raise UsageError(
            f"--groups names {len(names)} groups, empty names included, for {n} samples",
            "write `files`, a number of samples in a row, or the name of each sample's group, separated by commas",
        )
    return names
