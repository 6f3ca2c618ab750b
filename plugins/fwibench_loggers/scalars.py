"""Names and steps of the numbers that loggers send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fwibench import CellReport


class Scalar(NamedTuple):
    """A number with its name and step."""

    name: str
    value: float
    step: int


def reported(report: CellReport) -> Iterator[Scalar]:
    """Yield what a method reports, named `reported/STAGE/NAME`.

    Reports are for watching: those of a fit within the fit have the same names, and some may be left out.
    """
    step = int(report.scalars.get("step", 0))
    for name, value in report.scalars.items():
        if name not in ("step", "steps"):
            yield Scalar(f"reported/{report.stage or 'start'}/{name}", value, step)


def recorded(record: Mapping[str, Any]) -> Iterator[Scalar]:
    """Yield history, scores and costs of a record, named `history/NAME`, `scores/NAME` and `costs/NAME`.

    The step of a history is the number of its entry, from 1; what was not measured is left out.
    """
    for number, entry in enumerate(record["history"], 1):
        for name, value in entry.items():
            yield Scalar(f"history/{name}", value, number)
    for group in ("scores", "costs"):
        for name, value in record[group].items():
            if isinstance(value, int | float):
                yield Scalar(f"{group}/{name}", value, 0)


def described(cell: Mapping[str, Any]) -> dict[str, str]:
    """Return what a cell is, as texts by name; options are named `options/NAME`."""
    fields = {name: cell[name] for name in ("method", "method_version", "dataset", "split", "seed", "profile")}
    fields |= {f"options/{name}": value for name, value in cell["options"].items()}
    fields |= {f"dataset_options/{name}": value for name, value in cell["dataset_options"].items()}
    if cell["tested_on"]:
        fields["tested_on"] = cell["tested_on"]["dataset"]
    return {name: str(value) for name, value in fields.items()}
