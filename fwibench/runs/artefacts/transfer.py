"""Runs on their way between machines without a common disk.

Invariant: a run arrives completely or not at all; an earlier result is replaced only by a result.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from fwibench.errors import FwibenchError
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, write_record
from fwibench.runs.artefacts.replacement import publishing
from fwibench.runs.artefacts.results import Results


def pack(folder: Path) -> bytes:
    """Return the files of a run as one archive; empty if there is no such folder. Links are left out."""
    if not folder.is_dir():
        return b""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(folder, ".", filter=lambda entry: entry if entry.isfile() or entry.isdir() else None)
    return content.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Write the files of an archive into a folder, and nowhere else.

    Args:
        content: What `pack` returned.
        folder: Is created.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if content:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(folder, filter="data")


def place(record: Record, content: bytes, results: Results) -> Record:
    """Publish a run that arrived from another machine.

    Args:
        record: Its record.
        content: Its files, packed.
        results: Results folder.

    Returns:
        The record, with the reason why the run could not be published, if it could not.
    """
    folder = results.folder(record.cell)
    try:
        with results.locked(record.run_id):
            if record.status != "ok" and results.finished(record.cell) is not None:
                return record.model_copy(update={"reason": f"{record.reason}; the earlier result is kept"})
            with publishing(folder) as new:
                unpack(content, new)
                write_record(record, RunFiles(new).record)
    except (FwibenchError, OSError, tarfile.TarError) as error:
        reason = f"its files could not be written here: {error}"
        return record.model_copy(update={"status": "failed", "reason": reason, "scores": {}})
    return record
