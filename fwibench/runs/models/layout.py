"""Names inside a model file. A fitted method lies there as in the folder of the runs, beside the one it builds on."""

from __future__ import annotations

from pathlib import Path

from fwibench.runs.artefacts.cell import Cell

PROBLEM = "problem.json"
SPEC = "spec.json"
CARD = "card.md"
RECORD = "runs/{run}/record.json"
"""Record of the run, with options, history of the training and scores."""


def run_folder(run: str) -> str:
    """Return the folder of a run."""
    return f"runs/{run}"


def files_of(cell: Cell) -> dict[str, str]:
    """Return the files that options of a cell name, by option: their names in the folder of its run."""
    return {
        option: f"files/{option}{Path(value).suffix}"
        for option in cell.files
        if isinstance(value := cell.options.get(option), str)
    }
