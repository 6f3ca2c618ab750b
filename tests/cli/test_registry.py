from pathlib import Path

from tests.conftest import Command


def test_broken_plugin_is_one_warning(fwibench: Command, tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "hurt.py").write_text("1 / 0")
    done = fwibench("--plugins-dir", "plugins", "list", "methods")
    assert done.returncode == 0
    assert "invlint" in done.stdout
    assert done.stderr.splitlines()[0].startswith("warning: plugin hurt (")
    assert "ZeroDivisionError" in done.stderr
    doctor = fwibench("--plugins-dir", "plugins", "doctor")
    assert doctor.returncode == 1
    assert "broken at import" in doctor.stdout
