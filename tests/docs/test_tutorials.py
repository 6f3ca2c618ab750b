"""The tutorials are stored as they run."""

import json
from pathlib import Path
from typing import Any

import pytest

TUTORIALS = sorted((Path(__file__).parents[2] / "docs" / "tutorials").glob("*.ipynb"))


def code_cells(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def errors(cells: list[dict[str, Any]]) -> list[str]:
    return [output["ename"] for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_with_the_outputs_of_one_run(path: Path) -> None:
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1)), "make notebooks"
    assert not errors(cells)
    assert any(cell["outputs"] for cell in cells)
    # a picture of a few hundred kilobytes is enough for a page
    assert path.stat().st_size < 2**20


def test_the_index_lists_every_notebook() -> None:
    text = (TUTORIALS[0].parent / "index.md").read_text()
    for path in TUTORIALS:
        assert f"]({path.name})" in text
        assert f"\n{path.stem}\n" in text


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_notebook_runs_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nbclient", reason="make docs installs it")
    from tests.docs.notebooks import execute

    # the kernel is another process, which must find the same packages
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", ":".join(str(root / name) for name in ("", "plugins", "baselines")))
    cells = execute(path)["cells"]
    assert not errors([cell for cell in cells if cell["cell_type"] == "code"])
