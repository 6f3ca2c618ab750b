"""The records of a results folder, as commands read them."""

from __future__ import annotations

from fwibench.cli.console.output import warn
from fwibench.errors import DataError
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results


def read_records(results: Results) -> list[Record]:
    """All records; a line on standard error for each that is left out.

    Raises:
        DataError: There are none.
    """
    records, faults = results.records()
    for fault in faults:
        warn(fault)
    if not records:
        raise DataError(
            f"there are no records in {results.root}", "fwibench run makes some; --results names their folder"
        )
    return records
