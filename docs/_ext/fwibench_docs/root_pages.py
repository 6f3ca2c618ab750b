"""Pages of the site that are files elsewhere in the repository, with links that work in the site."""

from __future__ import annotations

import os.path
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
REPOSITORY = "https://github.com/fwibench/fwibench/blob/main"
PAGES = {
    "results.md": "results/README.md",
    "project/contributing.md": "CONTRIBUTING.md",
    "project/changelog.md": "CHANGELOG.md",
}
"""Source in the repository of each page, by its path below `docs`."""
DOWNLOADS = (".csv", ".json")
"""Files that the site carries itself; others are shown in the repository."""


def root_pages() -> dict[str, str]:
    """Return the text of each page by its path below `docs`."""
    return {page: relink((ROOT / source).read_text(encoding="utf-8"), source, page) for page, source in PAGES.items()}


def relink(text: str, source: str, page: str) -> str:
    """Return a Markdown text with its relative links changed for another place.

    Args:
        text: Content of `source`.
        source: Path in the repository, which the links of the text are relative to.
        page: Path below `docs` of the page that shows the text.
    """

    def changed(found: re.Match[str]) -> str:
        return f"]({_link(found[1], source, page)}"

    return re.sub(r"\]\((?![a-z]+://)([^)#]+)", changed, text)


def _link(target: str, source: str, page: str) -> str:
    path = os.path.normpath(os.path.join(os.path.dirname(source), target))
    if path.startswith("docs/") or path.endswith(DOWNLOADS):
        return os.path.relpath(path, os.path.dirname(f"docs/{page}"))
    return f"{REPOSITORY}/{path}"
