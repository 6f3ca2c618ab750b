"""Groups whose commands are imported when they are used."""

import subprocess
import sys

import pytest

from tests.cli.command_tree import EVERY


@pytest.mark.parametrize("name", [name for name, one in EVERY.items() if hasattr(one, "commands")])
def test_summaries_are_the_first_paragraphs_of_the_commands_own_help(name: str) -> None:
    group = EVERY[name]
    for below, summary in group.commands.summaries():
        own = (EVERY[f"{name} {below}"].help or "").split("\n\n")[0]
        assert " ".join(own.split()) == summary


def test_help_imports_no_command_and_no_table() -> None:
    code = (
        "import sys\nfrom fwibench.cli.app import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "unwanted = ('fwibench.cli.commands.', 'numpy', 'pydantic', 'rich')\n"
        "print('UNWANTED', [name for name in sys.modules if name.startswith(unwanted)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "UNWANTED []" in done.stdout, done.stdout
