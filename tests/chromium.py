"""Find the browser that shows the report; `python -m tests.chromium` says what is missing.

The tests that need it are skipped by a plain `make test` where it is not installed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""A page from a file needs no network, and a container has no sandbox of its own."""


def find_chromium() -> str | None:
    """Return the path of Chromium or Chrome: the variable CHROMIUM, else the first one on the PATH."""
    return next(filter(None, map(shutil.which, (os.environ.get("CHROMIUM", ""), *NAMES))), None)


def missing() -> list[str]:
    """Say in a line each what the browser tests lack, and how to install it."""
    lines = []
    if find_chromium() is None:
        lines.append(
            f"no browser on the PATH (looked for {', '.join(NAMES)}): install one, on Debian and Ubuntu with "
            "'apt-get install chromium', on macOS with 'brew install --cask chromium', or name it in CHROMIUM"
        )
    if importlib.util.find_spec("playwright") is None:
        lines.append("no Python package playwright: 'make install' installs it")
    return lines


class Opened:
    """A tab with a page, that remembers what went wrong and what was asked of the network."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(5000)
        self.wrong: list[str] = []
        self.requests: list[str] = []
        self.tab.on("console", lambda message: self.wrong.append(message.text))
        self.tab.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.goto(path.as_uri())

    def check(self) -> None:
        """Nothing was wrong, and nothing but the file was asked for."""
        assert self.wrong == []
        assert [url for url in self.requests if not url.startswith(("file:", "data:"))] == []


if __name__ == "__main__":
    for line in missing():
        sys.stderr.write(f"browser tests cannot run: {line}\n")
    sys.exit(1 if missing() else 0)
