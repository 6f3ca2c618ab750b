"""The pages of a site as texts.

Invariant: pages link to each other by relative paths and to nothing else; the same bundles, plugins and prepared
samples give the same texts.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from fwibench.boards.exporters.data import as_csv, as_json, inert
from fwibench.boards.repetitions import Repetitions
from fwibench.boards.rows import Column, make_row
from fwibench.datasets.details import Detail, describe_problem, describe_splits
from fwibench.errors import FwibenchError
from fwibench.report.page.runs import find_environments
from fwibench.report.site.boards import BoardPage
from fwibench.report.site.entries import Entry
from fwibench.report.site.history import trace
from fwibench.report.site.panels import Datasets, make_panels
from fwibench.report.site.site import Addition, Site, Topic
from fwibench.report.templating import make_environment, read_part
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.scores import format_scores
from fwibench.runs.reproduction.command import command_of
from fwibench.samples import evenly_spaced
from fwibench.specs.method import MethodSpec
from fwibench.text.readable import show_number
from fwibench.version import __version__

ASSETS = {
    "style.css": "report/style.css",
    "site.css": "site/site.css",
    "theme.js": "report/theme.js",
    "tables.js": "report/tables.js",
}
MOST_SAMPLES = 200
"""Rows of the table of an entry's samples, at most; its CSV file has all."""


class Pages:
    """Renders the pages of a site.

    Args:
        site: What they show.
        max_samples: Number of test samples of an entry whose maps are shown, at most.
    """

    def __init__(self, site: Site, max_samples: int) -> None:
        self._site, self._max_samples = site, max_samples
        self._environment = make_environment()
        self._datasets = Datasets(site.registry)

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each file, relative to the folder of the site, and its content."""
        site = self._site
        for name, source in ASSETS.items():
            yield f"assets/{name}", read_part(source)
        courses = [
            (board, section, course)
            for board in site.boards
            for section in board.sections
            for course in trace(section, site.columns)
        ]
        yield "index.html", self._render("index", "")
        yield "history.html", self._render("history", "", courses=courses)
        for board in site.boards:
            for name, section in board.tables:
                yield f"boards/{name}.csv", as_csv(section.board.rows)
                yield f"boards/{name}.json", as_json(section.board.rows)
            own = [one for one in courses if one[0] is board]
            yield f"boards/{board.page}.html", self._render("board", "../", **self._board(board), courses=own)
        for dataset in site.datasets:
            yield f"datasets/{dataset.page}.html", self._render("dataset", "../", **self._dataset(dataset))
        for method in site.methods:
            yield f"methods/{method.page}.html", self._render("method", "../", **self._method(method))
        for entry in site.entries:
            name = f"entries/{entry.page}"
            yield f"{name}.html", self._render("entry", "../", **self._entry(site.additions[entry.page]))
            yield f"{name}.csv", format_scores(replace(entry.scores, ids=tuple(map(inert, entry.scores.ids))))

    def _render(self, template: str, root: str, **content: Any) -> str:
        """Return a page; `root` is the path from it to the folder of the site."""
        shared = {"site": self._site, "root": root, "version": __version__, "ranking": self._site.ranking}
        return self._environment.get_template(f"site/{template}.html.jinja").render(**shared, **content) + "\n"

    def _board(self, board: BoardPage) -> dict[str, Any]:
        place, site = board.place, self._site
        scored = {metric for entry in board.entries for metric in entry.scores.values}
        versions = sorted({(metric, version) for entry in board.entries for metric, version in entry.metrics.items()})
        details: list[Detail] = [
            ("fingerprint", place.fingerprint),
            ("tested on", " split ".join(filter(None, place.tested))),
            ("entries", str(len(board.entries))),
            ("metrics", ", ".join(f"{name} version {version}" for name, version in versions if name in scored)),
        ]
        names = {name for entry in board.entries for name in entry.record.cell.datasets}
        return {
            "board": board,
            "metrics": [column for name, column in site.columns.metrics.items() if name in scored],
            "details": details,
            "datasets": [topic for topic in site.datasets if topic.name in names],
        }

    def _dataset(self, topic: Topic) -> dict[str, Any]:
        offer = self._site.registry.datasets.get(topic.name)
        content: dict[str, Any] = {"dataset": topic, "sections": [], "caveats": (), "note": ""}
        if offer is None:
            return content | {
                "note": "No installed plugin offers a dataset of this name, so only its boards are known."
            }
        spec = offer.spec
        about = [
            ("reference", spec.reference),
            ("plugin", f"{offer.plugin.distribution} {offer.plugin.version}".strip()),
            ("version", spec.version),
            ("source", spec.source),
            ("licence", spec.licence),
        ]
        content |= {"sections": [("About", about)], "caveats": list(map(_plain, spec.caveats))}
        cells = [entry.record.cell for entry in topic.entries if entry.record.cell.scored_on.dataset == topic.name]
        found = next(((cell, one) for cell in cells if (one := self._datasets.find(cell)) is not None), None)
        if found is None:
            return content | {"note": "The installed dataset has another fingerprint than those of the boards."}
        cell, dataset = found
        try:
            facts = [
                ("fingerprint", dataset.fingerprint),
                *describe_problem(dataset.problem),
                *describe_splits(dataset),
            ]
        except FwibenchError as error:
            return content | {"note": f"The dataset could not be opened here: {error.message}."}
        heading = f"{cell.scored_on.variant}, profile {cell.profile}"
        return content | {
            "sections": [("About", about), (heading, facts)],
            "caveats": list(map(_plain, dataset.caveats)),
        }

    def _method(self, topic: Topic) -> dict[str, Any]:
        rows = [
            (board, section, row)
            for board in topic.boards
            for section in board.sections
            for row in section.board.rows
            if row["method"] == topic.name
        ]
        versions = sorted({entry.record.cell.method_version for entry in topic.entries})
        plugins = sorted({entry.record.plugin for entry in topic.entries})
        origins = [entry.record.origin for entry in topic.entries if entry.record.origin]
        details: list[Detail] = [
            ("kind", ", ".join(sorted({entry.record.kind for entry in topic.entries}))),
            ("versions", ", ".join(versions)),
            ("plugin", ", ".join(filter(None, plugins))),
            ("stated origin", "; ".join(dict.fromkeys(origin.reference for origin in origins if origin.reference))),
        ]
        spec = self._spec(topic)
        if spec is None:
            note = "No installed plugin offers this method: what is known of it are its entries."
            return {"method": topic, "rows": rows, "details": details, "options": [], "note": note}
        details.append(("reference", spec.reference))
        options = [
            (name, "" if field.is_required() else str(field.default), _plain(field.description or ""))
            for name, field in spec.options.model_fields.items()
        ]
        return {"method": topic, "rows": rows, "details": details, "options": options, "note": ""}

    def _spec(self, topic: Topic) -> MethodSpec | None:
        """The spec of a method; None if it is not installed, or all entries were made elsewhere under its name."""
        offer = self._site.registry.methods.get(topic.name)
        return None if offer is None or all(entry.external for entry in topic.entries) else offer.spec

    def _entry(self, one: Addition) -> dict[str, Any]:
        entry, site = one.entry, self._site
        record, ranking = entry.record, site.ranking
        own = make_row(site.columns, Repetitions([record], self._base(entry)))
        columns = [column for name, column in site.columns.metrics.items() if name in entry.scores.values]
        shown = evenly_spaced(len(entry.scores.ids), MOST_SAMPLES)
        commands = [] if entry.external else [shlex.join(command_of(record, self._base(entry), site.registry))]
        former = [old for old in site.submitted if old.page == entry.page and old is not entry]
        environments = find_environments([record])
        return {
            "entry": entry,
            "row": one.row,
            "board": one.board,
            "scores": [
                (
                    _head(column, record.unit),
                    f"{column.text(own)} (version {entry.metrics.get(column.metric, 'not stated')})",
                )
                for column in columns
            ],
            "costs": [
                (_head(column, record.unit), column.text(own))
                for column in site.columns
                if column.part == "cost" and column.title
            ],
            "panels": make_panels(entry, self._datasets.find(record.cell), ranking, self._max_samples)
            if self._max_samples
            else None,
            "submission": _submission(entry),
            "former": former,
            "commands": commands,
            "options": [(name, str(value)) for name, value in record.cell.options.items()],
            "environment": environments[0].facts if environments else [],
            "columns": [(column, _head(column, record.unit)) for column in columns],
            "samples": [
                (entry.scores.ids[row], [_finite(entry.scores.values[column.metric][row]) for column in columns])
                for row in shown
            ],
        }

    def _base(self, entry: Entry) -> Record | None:
        """Record of the run that an entry builds on, if it is an entry too."""
        return next((one.record for one in self._site.entries if one.record.run_id == entry.record.cell.base), None)


def _submission(entry: Entry) -> list[Detail]:
    made, record = entry.submission, entry.record
    rounding = f"{show_number(entry.rounding, 2)} {record.unit}".strip()
    return [
        ("bundle", made.file),
        ("SHA-256", made.sha256),
        ("created", f"{made.created:%Y-%m-%d %H:%M:%S} UTC"),
        ("fwibench", made.fwibench),
        ("rounding", f"by {rounding} at most: {made.rounding}"),
        (
            "not recomputed",
            f"{', '.join(entry.left_out)} of the run, which need more than the maps" if entry.left_out else "",
        ),
        ("key", record.cell.key),
        ("run", record.started),
        ("origin", f"{record.origin.file}, {record.origin.reference}".strip(", ") if record.origin else ""),
    ]


def _head(column: Column, unit: str) -> str:
    return column.head(unit).replace("^2", "²")


def _plain(text: str) -> str:
    """A text of a spec without the marks of code that pages of the documentation have."""
    return text.replace("`", "")


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
