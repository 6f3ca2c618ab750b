import json
from pathlib import Path

import pytest

from tests.boards.records import leave
from tests.conftest import Command


@pytest.fixture
def runs(tmp_path: Path) -> None:
    for dataset in ("salt", "marmousi"):
        own = {"dataset": dataset, "fingerprint": dataset[0] * 64, "history": [{"epoch": 1, "val_loss": 0.5}]}
        leave(tmp_path / "results", "x", [1.0, 2.0, 3.0], **own)


@pytest.mark.usefixtures("runs")
def test_figures_are_written_and_listed(fwibench: Command, tmp_path: Path) -> None:
    done = fwibench("figures", "--kind", "errors,training", "--dataset", "salt", "-o", "shown", "--json")
    assert done.returncode == 0, done.stderr
    files = {one["file"] for one in json.loads(done.stdout)}
    stems = ("training-salt-random-quick-standard", "errors-salt-random-quick-standard")
    assert files == {f"shown/{name}.{suffix}" for name in stems for suffix in ("png", "svg")}
    assert {str(path.relative_to(tmp_path)) for path in (tmp_path / "shown").iterdir()} == files
    assert not (tmp_path / "results" / "figures").exists()
    done = fwibench("figures", "--format", "svg")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name.split("-")[0] for path in (tmp_path / "results" / "figures").iterdir()) == [
        "errors",
        "errors",
        "training",
        "training",
    ]
    assert done.stdout.count(".svg") == 4
    # the data of these runs are not here, so there are no panels
    assert "warning: salt" in done.stderr


@pytest.mark.usefixtures("runs")
def test_unwritable_figures_give_one_line(fwibench: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for output in ("file", "file/deeper"):
        done = fwibench("figures", "-o", output)
        assert done.returncode == 1
        assert f"error: {output} cannot be written: Not a directory" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--kind", "panel"], 2, "there is no kind of figure named 'panel'|did you mean panels?"),
        (["--format", "pdf"], 2, "there is no format named 'pdf'"),
        (["--dataset", "slat"], 2, "there is no dataset in these results named 'slat'|did you mean salt?"),
        (["--profile", "paper"], 2, "there is no profile in these results named 'paper'"),
        (["--samples", "s-01"], 2, "there is no test sample in these results named 's-01'|s-001"),
        (["--kind", "spectrum"], 1, "nothing in results can be drawn as spectrum|docs/guide/figures.md"),
    ],
)
def test_wrong_arguments_give_two_lines(
    fwibench: Command, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    done = fwibench("figures", *arguments)
    assert done.returncode == code
    assert all(text in done.stderr for text in said.split("|")), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results" / "figures").exists()
