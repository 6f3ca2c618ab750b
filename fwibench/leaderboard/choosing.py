"""Lines of a leaderboard by the names that users type.

Invariant: only lines of one place are compared: tracks, sources, splits and profiles never meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fwibench.errors import DataError, UnknownNameError, UsageError
from fwibench.leaderboard.board import PLACE, Line, name_of
from fwibench.leaderboard.comparison import Comparison, all_pairs, compare
from fwibench.leaderboard.samples import Samples


@dataclass(frozen=True)
class Compared:
    """Comparisons in one place.

    Attributes:
        place: Dataset, source, split, track and profile, by name.
        comparisons: Corrected together.
    """

    place: dict[str, str]
    comparisons: list[Comparison]

    @property
    def title(self) -> str:
        """The place in a line."""
        return name_of(tuple(self.place.values()))


def compare_all(lines: Iterable[Line], names: Sequence[str], metric: str) -> tuple[list[Compared], list[str]]:
    """Compares each of the named methods with each that is named after it, wherever two of them were run.

    Args:
        lines: Of a board.
        names: Methods, with options where those tell rows apart.
        metric: Whose scores are compared.

    Returns:
        What was compared, place by place, and a line for each pair that could not be.

    Raises:
        UsageError: A name is unknown or fits several rows of a place.
        DataError: No two of them were run in the same place.
    """
    made, faults = [], []
    places = by_place(lines)
    _check_names(names, places)
    for place, here in places.items():
        samples = {line.label: line.samples for name in names if (line := find(here, name)) and line.samples}
        if len(samples) > 1:
            comparisons, missing = compare(all_pairs(list(samples)), samples, metric)
            faults += [f"{name_of(place)}: {one}" for one in missing]
            if comparisons:
                made.append(Compared(dict(zip(PLACE, place, strict=True)), comparisons))
    if not made:
        where = "; ".join(
            f"{name} in {name_of(place)}" for name in names for place, here in places.items() if find(here, name)
        )
        reason = "; ".join(faults) or f"no two were scored in one place: {where}"
        raise DataError(f"{', '.join(names)} cannot be compared: {reason}", "fwibench leaderboard shows what there is")
    return made, faults


def compare_with(lines: Iterable[Line], baseline: str, metric: str) -> tuple[list[Compared], list[str]]:
    """Compares every method with one, wherever that was run.

    Raises:
        UsageError: The name is unknown or fits several rows of a place.
    """
    made, faults = [], []
    places = by_place(lines)
    _check_names([baseline], places)
    for place, here in places.items():
        base = find(here, baseline)
        samples: dict[str, Samples] = {line.label: line.samples for line in here if line.samples is not None}
        if base is None or base.samples is None:
            faults.append(f"{name_of(place)}: {baseline} has no scores there")
            continue
        pairs = [(name, base.label) for name in samples if name != base.label]
        comparisons, missing = compare(pairs, samples, metric)
        faults += [f"{name_of(place)}: {one}" for one in missing]
        if comparisons:
            made.append(Compared(dict(zip(PLACE, place, strict=True)), comparisons))
    return made, faults


def find(lines: Sequence[Line], name: str) -> Line | None:
    """The line of that method: with those options, or the only one of that name.

    Raises:
        UsageError: Several have the name, with different options.
    """
    exact = [line for line in lines if line.label == name]
    fits = exact or [line for line in lines if line.row["method"] == name]
    if len({line.label for line in fits}) > 1:
        labels = " or ".join(line.label for line in fits)
        raise UsageError(f"'{name}' fits {len(fits)} rows of {name_of(lines[0].place)}", f"choose {labels}")
    # of one method on several choices of test samples the one on most
    return max(fits, key=lambda line: line.row["n_test"] or 0, default=None)


def narrow(lines: Sequence[Line], wanted: Mapping[str, str]) -> list[Line]:
    """The lines that have these values in these columns; an empty value stands for any.

    Raises:
        UnknownNameError: No line has a value.
    """
    found = list(lines)
    for column, value in wanted.items():
        if not value:
            continue
        known = {str(line.row[column]) for line in found}
        found = [line for line in found if line.row[column] == value]
        if not found:
            raise UnknownNameError.among(f"{column} in these results", value, known)
    return found


def by_place(lines: Iterable[Line]) -> dict[tuple[str, ...], list[Line]]:
    """Lines that can be compared, in the board's order."""
    found: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        found.setdefault(line.place, []).append(line)
    return found


def _check_names(names: Sequence[str], places: dict[tuple[str, ...], list[Line]]) -> None:
    known = {text for here in places.values() for line in here for text in (line.label, line.row["method"])}
    for name in names:
        if name not in known:
            raise UnknownNameError.among("method in these results", name, known)
