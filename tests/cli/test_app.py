"""Errors of the command line as the user sees them."""

from pathlib import Path

from tests.conftest import Command


def test_unknown_command_suggests_closest_name(fwibench: Command, tmp_path: Path) -> None:
    done = fwibench("rnu")
    assert done.returncode == 2, done.stderr
    assert "Did you mean 'run'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_debug_shows_the_traceback(fwibench: Command) -> None:
    assert "Traceback" in fwibench("--debug", "info", "invlnt").stderr
