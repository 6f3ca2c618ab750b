"""Execute notebooks and store their outputs: `python -m tests.docs.notebooks FILE...`, or `make notebooks`.

Each notebook runs in an empty folder, as a reader would run it. Only what cells print or show is stored.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

TIMEOUT = 900
"""Longest time of one cell [s]."""


def execute(path: Path) -> Any:
    """Return the notebook with new outputs; raises `CellExecutionError` if a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=TIMEOUT,
            resources={"metadata": {"path": folder}},
            record_timing=False,
            coalesce_streams=True,
        )
        # commands of cells are those of this environment, activated or not
        commands = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        with client.setup_kernel(env={**os.environ, "PATH": commands}):
            # a kernel asks commands for colours, which a page cannot show
            client.kc.execute("import os; os.environ['FORCE_COLOR'] = ''", silent=True)
            for number, cell in enumerate(notebook.cells):
                client.execute_cell(cell, number)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not is_progress(output)]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "pygments_lexer": "ipython3"},
    }
    return notebook


def is_progress(output: Any) -> bool:
    """Return whether an output is a progress line or a warning, which say more of the machine than of the cell."""
    rich = output.get("data", {}).get("text/html", "").startswith("<pre style=")
    return output.get("name") == "stderr" or (output.output_type == "display_data" and rich)


def main(names: list[str]) -> None:
    """Execute the named notebooks in place."""
    for name in names:
        nbformat.write(execute(Path(name)), name)
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
