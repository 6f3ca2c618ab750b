import pytest
from rich.console import Console

from fwibench.cli.console.output import console, print_table


def test_square_brackets_in_names_and_paths_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal in (True, False):
        printed = Console(highlight=False, markup=console()._markup, force_terminal=terminal, width=80, record=True)
        monkeypatch.setattr("fwibench.cli.console.output.console", lambda shown=printed: shown)
        printed.print("wrote /tmp/a[b]/c", soft_wrap=True)
        print_table("maps [m/s]", ("name [m]", "path"), [["salt[snr=10]", "/a[b]"], ["\\[x]", "[bold]"]])
        text = printed.export_text()
        for expected in ("/tmp/a[b]/c", "maps [m/s]", "name [m]", "salt[snr=10]", "/a[b]", "\\[x]", "[bold]"):
            assert expected in text
