"""Records of a results folder, read with a warning for each record that is left out."""

from __future__ import annotations

from fwibench.cli.console.output import warn
from fwibench.errors import DataError
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results


def read_records(results: Results, *, history: bool = True) -> list[Record]:
    """Read all records of a results folder and warn of each that cannot be read.

    Args:
        results: The folder.
        history: Whether the histories of trainings are read too.

    Raises:
        DataError: There are no records.
    """
    records, faults = results.records(history=history)
    for fault in faults:
        warn(fault)
    if not records:
        raise DataError(
            f"there are no records in {results.root}", "run fwibench run first, or name another folder with --results"
        )
    return records
