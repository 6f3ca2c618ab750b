"""Find the browser that shows the report; `python -m tests.chromium` says what is missing.

The tests that need it are skipped by a plain `make test` where it is not installed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys

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


if __name__ == "__main__":
    for line in missing():
        sys.stderr.write(f"browser tests cannot run: {line}\n")
    sys.exit(1 if missing() else 0)
