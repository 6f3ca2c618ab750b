"""Inspection of a method before anything is run."""

from pathlib import Path

from tests.conftest import Command


def test_method_that_cannot_be_built_gives_error_without_traceback(fwibench: Command, tmp_path: Path) -> None:
    (tmp_path / "faulty.py").write_text((Path(__file__).parents[1] / "faulty.py").read_text())
    done = fwibench("info", "x-failstobuild", "--dataset", "salt", "--plugins-dir", ".")
    assert done.returncode == 1
    assert "x-failstobuild (faulty:FailsToBuild) cannot be built for salt: ValueError: unsupported" in done.stderr
    assert "Traceback" not in done.stderr
