"""What the command line imports at start-up."""

import subprocess
import sys
from pathlib import Path

import pytest

SMOKE = ("--dataset", "salt", "--profile", "smoke")


HEAVY = ("torch", "deepwave", "scipy", "pandas", "matplotlib", "sklearn", "lightning_fabric")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["list", "methods"],
        ["info", "invlint"],
        ["info", "salt"],
        ["leaderboard"],
        ["status"],
        ["plan", "--methods", "invlint", *SMOKE],
    ],
    ids=" ".join,
)
def test_reading_commands_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from fwibench.cli.app import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print('HEAVY', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert "HEAVY []" in done.stdout, done.stdout + done.stderr


def test_import_fwibench_is_light() -> None:
    code = f"import sys, fwibench; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
