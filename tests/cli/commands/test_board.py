import os
from pathlib import Path

import pytest

from fwibench.cli.app import main
from tests.report.site.conftest import bundles as bundles


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main(["board", *map(str, arguments)])
    return int(end.value.code or 0)


def test_a_site_is_written_and_summed_up(bundles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site"
    assert run(bundles, "-o", site, "--title", "Our board", "--max-samples", 0) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{site / 'index.html'}: 1 board, 4 entries, 1 dataset, 4 methods, 3 bundles; ")
    assert "Our board" in (site / "index.html").read_text()
    assert not [page for page in (site / "entries").glob("*.html") if "<img" in page.read_text()]


def test_the_folder_is_checked_before_bundles_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.html").write_text("years of work")
    assert run(tmp_path / "absent.zip", "-o", tmp_path) == 2
    assert "is no site that fwibench board wrote" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["thesis.html"]


def test_an_absent_bundle_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "absent.zip", "-o", tmp_path / "site") == 1
    assert "absent.zip does not exist" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()
