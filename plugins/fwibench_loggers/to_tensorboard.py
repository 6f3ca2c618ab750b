"""A logger that writes event files of TensorBoard, a folder for each run.

Invariant: the folder of a run holds one attempt; a cell that runs again replaces its former event files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from fwibench import CellReport, StartedCell, hookimpl
from fwibench.errors import UsageError
from fwibench.files.atomic import check_folder
from fwibench_loggers.scalars import described, recorded, reported


class TensorBoardLogger:
    """Writes what cells report, and their records, into the folder `DESTINATION/RUN`.

    Args:
        destination: Folder of all runs; made if it is not there.
    """

    def __init__(self, destination: str) -> None:
        if not destination:
            raise UsageError("--log tensorboard names no folder", "write --log tensorboard:FOLDER")
        self._folder = Path(destination).expanduser().absolute()
        check_folder(self._folder)
        self._writers: dict[str, SummaryWriter] = {}

    @hookimpl
    def fwibench_cell_started(self, started: StartedCell) -> None:
        """Open the event file of a cell."""
        folder = self._folder / started.run
        for former in folder.glob("events.out.tfevents.*"):
            former.unlink()
        writer = self._writers[started.run] = SummaryWriter(str(folder))
        rows = [f"| {name} | {value} |" for name, value in described(started.cell).items()]
        writer.add_text("cell", "\n".join(("| | |", "|---|---|", *rows)))
        writer.flush()

    @hookimpl
    def fwibench_report(self, report: CellReport) -> None:
        """Write reported numbers."""
        for scalar in reported(report):
            self._write(self._writers[report.run], *scalar)

    @hookimpl
    def fwibench_cell_finished(self, record: Mapping[str, Any], run: str) -> None:
        """Write the numbers of a record, and the status with its reason; close the event file."""
        writer = self._writers.pop(run)
        for scalar in recorded(record):
            self._write(writer, *scalar)
        writer.add_text("status", f"{record['status']}: {record['reason']}".removesuffix(": "))
        writer.close()

    def close(self) -> None:
        """Close the files of cells that were interrupted."""
        for writer in self._writers.values():
            writer.add_text("status", "interrupted")
            writer.close()

    def _write(self, writer: SummaryWriter, name: str, value: float, step: int) -> None:
        # in double precision, where TensorBoard's default is single: scores are those of the record
        writer.add_scalar(name, value, step, new_style=True, double_precision=True)
