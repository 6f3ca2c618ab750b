"""The page as one file.

Invariant: the file holds all that it shows and asks no network for anything; no text of a record acts as markup or as a
script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from fwibench.boards.published import with_published
from fwibench.boards.rows import Row
from fwibench.errors import UsageError
from fwibench.files.atomic import check_folder, write_text
from fwibench.report.material import Material
from fwibench.report.page.drawings import list_pictures
from fwibench.report.page.runs import find_environments, find_recipes, find_troubles
from fwibench.report.page.samples import list_places
from fwibench.report.page.summary import count, summarise
from fwibench.report.page.tables import make_groups
from fwibench.version import __version__

SUFFIX = ".html"
TEMPLATES = "templates/report"
SCRIPTS = ("theme.js", "page.js", "viewer.js")
"""The first runs before anything is drawn."""


@dataclass(frozen=True)
class Wanted:
    """What a page is to show.

    Attributes:
        title: In its head.
        published: Whether printed rows stand beside ours.
        max_samples: Of a dataset in the viewer; with 0 no samples are shown, in figures neither.
        unread: A line for each record that could not be read.
    """

    title: str = "Leaderboard"
    published: bool = False
    max_samples: int = 6
    unread: Sequence[str] = field(default=())


def check_path(path: Path) -> None:
    """Asked before any work is done.

    Raises:
        UsageError: No page can have that name.
        DataError: No file can be written there.
    """
    if path.suffix != SUFFIX:
        raise UsageError(f"{path} ends in '{path.suffix}', expected {SUFFIX}", "a report is one page: -o report.html")
    if path.is_dir():
        raise UsageError(f"{path} is a folder, expected a name for a file", f"-o {path / 'report.html'}")
    check_folder(path.parent)


def write_page(material: Material, path: Path, wanted: Wanted) -> int:
    """Writes the page, atomically.

    Args:
        material: What it is made of; what could not be read is told there.
        path: Ends in `.html`.
        wanted: What it shows.

    Returns:
        Its size in bytes.

    Raises:
        UsageError: Another suffix, or a folder.
        DataError: The file cannot be written.
    """
    check_path(path)
    text = render(material, wanted)
    write_text(path, text)
    return len(text.encode())


def render(material: Material, wanted: Wanted) -> str:
    """The page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("fwibench.report", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # a number that is none has no place in JSON
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    scripts = {name.partition(".")[0]: _part(name) for name in SCRIPTS}
    return environment.get_template("page.html.jinja").render(
        **_content(material, wanted),
        style=_part("style.css"),
        scripts=scripts,
        policy=_policy(scripts.values()),
    )


def _content(material: Material, wanted: Wanted) -> dict[str, Any]:
    board, records = material.board, material.records
    rows = with_published(board.rows, material.registry) if wanted.published else board.rows
    groups = make_groups(rows)
    bad, noted = find_troubles(records, board.rows)
    places = list_places(material, wanted.max_samples) if wanted.max_samples else []
    pictures = list_pictures(material, samples=wanted.max_samples > 0)
    return {
        "title": wanted.title,
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
        "places": places,
        "with_samples": wanted.max_samples > 0,
        "bad": bad,
        "noted": noted,
        "faults": [*wanted.unread, *material.faults],
        "environments": find_environments(records),
        "recipes": find_recipes(groups, records, material.registry),
    }


def _values(column: str, rows: Sequence[Row]) -> list[str]:
    """What a filter can be set to, in the order of the leaderboard."""
    return list(dict.fromkeys(str(row[column]) for row in rows if row[column]))


def _part(name: str) -> Any:
    """A style or a script, to be put into the page as it is."""
    from markupsafe import Markup

    return Markup((resources.files("fwibench.report") / TEMPLATES / name).read_text())


def _policy(scripts: Any) -> str:
    """Lets the page run its own scripts and load what it holds, and nothing else."""
    digests = [base64.b64encode(hashlib.sha256(str(script).encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}; base-uri 'none'"
