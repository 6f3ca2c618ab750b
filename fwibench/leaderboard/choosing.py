"""Lines of a leaderboard by the names that users type.

Invariant: only lines of one place are compared: tracks, sources, splits and profiles never meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fwibench.errors import DataError, UnknownNameError, UsageError
from fwibench.leaderboard.board import PLACE, Line, by_place, name_of
from fwibench.leaderboard.comparison import Comparison, all_pairs, compare, least_samples
from fwibench.leaderboard.rows import variant, with_fingerprint
from fwibench.runs.artefacts.record import Record


@dataclass(frozen=True)
class Compared:
    """Comparisons in one place.

    Attributes:
        place: Dataset, source, split, track and profile, by name.
        unit: Of the property.
        comparisons: Corrected together.
    """

    place: dict[str, str]
    unit: str
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
        chosen = [line for name in names if (line := find(here, name))]
        one, missing = _compare_here(place, all_pairs([line.label for line in chosen]), chosen, metric)
        made += one
        faults += missing
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
        if base is None:
            faults.append(f"{name_of(place)}: {baseline} was not run there")
            continue
        chosen = [line for name in dict.fromkeys(line.label for line in here) if (line := find(here, name))]
        pairs = [(line.label, base.label) for line in chosen if line is not base]
        one, missing = _compare_here(place, pairs, chosen, metric)
        made += one
        faults += missing
    return made, faults


def _compare_here(
    place: tuple[str, ...], pairs: Iterable[tuple[str, str]], lines: Sequence[Line], metric: str
) -> tuple[list[Compared], list[str]]:
    """The pairs of a place that can be compared, and a line for each thing that stands against it."""
    samples = {line.label: line.samples for line in lines if line.samples is not None}
    faults = [fault for line in lines for fault in line.faults]
    faults += [f"{line.label} has no scores: {line.row['status']}" for line in lines if line.row["status"] != "ok"]
    comparisons, missing = compare([pair for pair in pairs if {*pair} <= {*samples}], samples, metric)
    faults += missing
    n = min((one.n for one in comparisons), default=0)
    if comparisons and n < (least := least_samples(len(comparisons))):
        faults.append(f"{n} samples are too few to tell anything apart here; {least} is the least")
    unit = next((line.row["unit"] for line in lines if line.row["unit"]), "")
    made = [Compared(dict(zip(PLACE, place, strict=True)), unit, comparisons)] if comparisons else []
    return made, [f"{name_of(place)}: {fault}" for fault in faults]


def find(lines: Sequence[Line], name: str) -> Line | None:
    """The line of that method: with those options, or the only one of that name.

    Raises:
        UsageError: Several have the name, with different options.
    """
    exact = [line for line in lines if line.label == name]
    fits = exact or [line for line in lines if line.row["method"] == name]
    if len({line.label for line in fits}) > 1:
        labels = " or ".join(dict.fromkeys(line.label for line in fits))
        raise UsageError(f"'{name}' fits {len(fits)} rows of {name_of(lines[0].place)}", f"choose {labels}")
    # of one method on several choices of test samples the one on most, of several versions of it the latest
    return max(fits, key=lambda line: (line.row["n_test"] or 0, line.row["date_utc"] or ""), default=None)


def records_of(records: Sequence[Record], dataset: str = "", split: str = "", profile: str = "") -> list[Record]:
    """The records of a dataset, split and profile; an empty name stands for any.

    Args:
        records: Of any cells.
        dataset: Its name, with or without its variant, as the leaderboard shows it.
        split: Name of a scheme.
        profile: Name of a profile.

    Raises:
        UnknownNameError: No record has a name.
    """
    found = list(records)
    for what, wanted, read in (
        ("dataset", dataset, _names_of_data),
        ("split", split, lambda record: [record.cell.split]),
        ("profile", profile, lambda record: [record.cell.profile]),
    ):
        if wanted:
            known = {name for record in found for name in read(record)}
            found = [record for record in found if wanted in read(record)]
            if not found:
                raise UnknownNameError.among(f"{what} in these results", wanted, known)
    return found


def _names_of_data(record: Record) -> list[str]:
    name = variant(record.cell)
    return [record.cell.dataset, name, with_fingerprint(name, record.cell.fingerprint)]


def _check_names(names: Sequence[str], places: dict[tuple[str, ...], list[Line]]) -> None:
    known = {text for here in places.values() for line in here for text in (line.label, line.row["method"])}
    for name in names:
        if name not in known:
            raise UnknownNameError.among("method in these results", name, known)
