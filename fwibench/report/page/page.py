"""The page as one file.

Invariant: the file is self-contained and makes no network requests; no text of a record acts as markup or as a script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fwibench.boards.published import with_published
from fwibench.boards.rows import Row
from fwibench.errors import UsageError
from fwibench.files.atomic import check_folder, write_text
from fwibench.report.page.figures import list_pictures
from fwibench.report.page.runs import find_environments, find_recipes, find_troubles
from fwibench.report.page.studies import find_sections
from fwibench.report.page.summary import count, summarise
from fwibench.report.page.tables import make_groups
from fwibench.report.page.viewer import list_panel_sets
from fwibench.report.sources import Sources
from fwibench.report.templating import make_environment, read_part
from fwibench.version import __version__

SUFFIX = ".html"
SCRIPTS = ("theme", "tables", "page", "viewer")
"""The first one runs before the page is drawn."""


@dataclass(frozen=True)
class PageOptions:
    """Choices of a page.

    Attributes:
        title: Heading of the page.
        published: Whether published rows are shown beside ours.
        max_samples: Samples of a dataset in the viewer, at most; with 0 no samples are shown, neither in figures.
        unread: A line for each record that could not be read.
        studies: Names of studies and collections that are shown, too.
    """

    title: str = "Leaderboard"
    published: bool = False
    max_samples: int = 6
    unread: Sequence[str] = field(default=())
    studies: Sequence[str] = field(default=())


def check_path(path: Path) -> None:
    """Check that a page can be written to a path, before any work is done.

    Raises:
        UsageError: The suffix is another one, or the path is a folder.
        DataError: No file can be written there.
    """
    if path.suffix != SUFFIX:
        raise UsageError(f"{path} ends in '{path.suffix}', expected {SUFFIX}", "a report is one page: -o report.html")
    if path.is_dir():
        raise UsageError(f"{path} is a folder, expected a name for a file", f"-o {path / 'report.html'}")
    check_folder(path.parent)


def write_page(sources: Sources, path: Path, options: PageOptions) -> int:
    """Write the page, atomically.

    Args:
        sources: The results; what cannot be read is added to its `faults`.
        path: An `.html` file.
        options: Choices of the page.

    Returns:
        Size of the page in bytes.

    Raises:
        UsageError: Another suffix, or a folder.
        DataError: The file cannot be written.
    """
    check_path(path)
    text = render(sources, options)
    write_text(path, text)
    return len(text.encode())


def render(sources: Sources, options: PageOptions) -> str:
    """Return the page.

    Args:
        sources: The results; what cannot be read is added to its `faults`.
        options: Choices of the page.
    """
    scripts = {name: read_part(f"report/{name}.js") for name in SCRIPTS}
    return (
        make_environment()
        .get_template("report/page.html.jinja")
        .render(
            **_content(sources, options),
            style=read_part("report/style.css"),
            scripts=scripts,
            policy=_policy(scripts.values()),
        )
    )


def _content(sources: Sources, options: PageOptions) -> dict[str, Any]:
    board, records = sources.board, sources.records
    rows = with_published(board.rows, sources.registry) if options.published else board.rows
    groups = make_groups(rows)
    bad, noted = find_troubles(sources.by_run, board.rows)
    panel_sets = list_panel_sets(sources, options.max_samples) if options.max_samples else []
    pictures = list_pictures(sources, samples=options.max_samples > 0)
    return {
        "title": options.title,
        "made": datetime.now(UTC),
        "version": __version__,
        "counts": count(records),
        "ranking": board.columns.ranking,
        "metrics": list(board.columns.metrics.values()),
        "groups": groups,
        "best": summarise(groups),
        "notes": board.notes,
        "filters": {name: _values(name, rows) for name in ("dataset", "split", "track")},
        "pictures": pictures,
        "kinds": list(dict.fromkeys(one.drawing.kind for one in pictures)),
        "panel_sets": panel_sets,
        "studies": find_sections(sources, options.studies),
        "with_samples": options.max_samples > 0,
        "bad": bad,
        "noted": noted,
        "faults": [*options.unread, *sources.faults],
        "environments": find_environments(records),
        "recipes": find_recipes(groups, sources.by_run, sources.registry),
    }


def _values(column: str, rows: Sequence[Row]) -> list[str]:
    """Choices of a filter, in the order of the leaderboard."""
    return list(dict.fromkeys(str(row[column]) for row in rows if row[column]))


def _policy(scripts: Any) -> str:
    """Content security policy: only the page's own scripts and images."""
    digests = [base64.b64encode(hashlib.sha256(str(script).encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}; base-uri 'none'"
