"""Writes the generated pages beside the hand-written ones, where Sphinx then reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fwibench_docs.code import app
from fwibench_docs.commands import commands_page
from fwibench_docs.dataset_cards import dataset_pages
from fwibench_docs.method_cards import method_pages
from fwibench_docs.reference import reference_pages
from fwibench_docs.root_pages import root_pages

FOLDERS = ("datasets/cards", "methods/cards", "reference/generated")
"""Folders that hold nothing but generated pages; git ignores them."""


def generated_pages() -> Iterator[tuple[str, str]]:
    """Yield the path of each generated page below `docs`, and its text."""
    yield from root_pages().items()
    yield "reference/generated/commands.md", commands_page(app)
    for folder, pages in zip(FOLDERS, (dataset_pages(), method_pages(), reference_pages()), strict=True):
        for name, text in pages.items():
            yield f"{folder}/{name}.md", text


def write_pages(docs: Path) -> list[Path]:
    """Write all generated pages, and remove those of an earlier build that are not generated any more.

    Args:
        docs: Folder of the documentation's sources.

    Returns:
        The files that exist now. A file with the same content is left untouched, so that Sphinx reads only what
        changed.
    """
    written = []
    for name, text in generated_pages():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        written.append(path)
    for folder in FOLDERS:
        for path in (docs / folder).glob("*.md"):
            if path not in written:
                path.unlink()
    return written
