"""Sources of figures and reports: finished runs, with the data that they were scored on.

Invariant: records, scores, predictions and datasets are read, never made; each one that cannot be read is a line of
`faults`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from fwibench.boards.board import Board, make_board
from fwibench.boards.columns import columns_of
from fwibench.boards.rows import Row
from fwibench.datasets.base import Dataset
from fwibench.errors import FwibenchError
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.predictions import Predictions, read_predictions
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.samples import StoredSamples, read_samples
from fwibench.runs.opening.datasets import reopen_dataset, scored_split
from fwibench.samples import Split


class Sources:
    """Results of some runs; predictions and datasets are read on demand.

    Args:
        results: The results folder.
        records: Records of runs in it.
        registry: Where datasets and metrics are looked up.

    Attributes:
        results: The results folder.
        records: Records of the runs.
        registry: Where datasets and metrics are looked up.
        columns: Columns of all metrics.
        board: Leaderboard of the records.
        faults: A line for each thing that could not be read so far.
    """

    def __init__(self, results: Results, records: Sequence[Record], registry: Registry) -> None:
        self.results, self.records, self.registry = results, list(records), registry
        self.columns = columns_of(registry)
        self.board: Board = make_board(records, self.columns, results.scores)
        self.faults: list[str] = []
        self._datasets: dict[str, Dataset | None] = {}

    @cached_property
    def shared(self) -> Board:
        """The leaderboard on the test samples that all methods of a setting have."""
        return make_board(self.records, self.columns, self.results.scores, common=True)

    @cached_property
    def by_run(self) -> dict[str, Record]:
        """The records by name of the run."""
        return {record.run_id: record for record in self.records}

    def runs_of(self, row: Row) -> list[Record]:
        """Return the finished records of a row of the leaderboard, by seed."""
        found = [self.by_run[run] for run in row.run_ids if run in self.by_run]
        return sorted((one for one in found if one.status == "ok"), key=lambda record: record.cell.seed)

    def predictions(self, record: Record) -> Predictions | None:
        """Return the predictions of a run; None if they cannot be read."""
        dataset = self.dataset(record.cell)
        shape = None if dataset is None else dataset.problem.property_shape
        try:
            return read_predictions(self.results.folder(record.cell), shape=shape)
        except FwibenchError as error:
            self.add_fault(f"{record.run_id}: {error.message}")
            return None

    def samples(self, record: Record, predictions: Predictions) -> StoredSamples | None:
        """Return the samples of the predictions of a run; None if it has none, or they cannot be read."""
        dataset = self.dataset(record.cell)
        if dataset is None:
            return None
        try:
            return read_samples(self.results.folder(record.cell), predictions.maps, dataset.problem.property)
        except FwibenchError as error:
            self.add_fault(f"{record.run_id}: {error.message}")
            return None

    def dataset(self, cell: Cell) -> Dataset | None:
        """Return the dataset that a cell is scored on; None if it is not on this machine or has changed since."""
        name = cell.scored_on.fingerprint
        if name not in self._datasets:
            self._datasets[name] = self._open(cell)
        return self._datasets[name]

    def test(self, record: Record) -> Split | None:
        """Return the test samples that a run was scored on; None if they are not on this machine."""
        dataset = self.dataset(record.cell)
        return None if dataset is None else scored_split(dataset, record.cell)

    def _open(self, cell: Cell) -> Dataset | None:
        name = cell.scored_on.dataset
        try:
            dataset = reopen_dataset(self.registry, cell)
            if dataset.prepared():
                return dataset
            self.add_fault(
                f"{name} is not on this machine: {dataset.preparing} makes it; without it no samples are shown"
            )
        except FwibenchError as error:
            self.add_fault(f"{name}: {error.message}")
        return None

    def add_fault(self, fault: str) -> None:
        """Add a line to the faults, once."""
        if fault not in self.faults:
            self.faults.append(fault)
