"""A study as a page: its tables, figure, claims and notes, in Markdown or HTML, and as files for programs.

Invariant: no text of a record acts as markup; a page is made of records alone and says with which command.
"""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fwibench.errors import UnknownNameError
from fwibench.report.canvas import as_uri
from fwibench.report.figures.drawing import Drawing, render
from fwibench.studies.claims import Verdict, judge
from fwibench.studies.results import StudyResults
from fwibench.studies.tables import FIELDS, long_table, make_tables
from fwibench.text.tables import TextTable, escape_markdown, to_html, to_latex, to_markdown
from fwibench.version import __version__

STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:75em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;"
    "margin:1.5em 0}caption{text-align:left;font-weight:bold;padding:.3em 0}th,td{padding:2px 9px;text-align:left;"
    "border-bottom:1px solid #ccc}.number{text-align:right;font-variant-numeric:tabular-nums}img{max-width:100%}"
    "code{background:#eee;padding:0 .2em}"
)


@dataclass(frozen=True)
class Document:
    """What a page of a study shows.

    Attributes:
        study: The results.
        drawings: Its figures.
        images: Files of the figures beside a Markdown page.
        verdicts: Its judged claims.
    """

    study: StudyResults
    drawings: Sequence[Drawing] = ()
    images: Sequence[str] = ()
    verdicts: list[Verdict] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdicts", judge(self.study))

    @property
    def command(self) -> str:
        """Command that runs the study, with the profile of its records."""
        profiles = dict.fromkeys(record.cell.profile for record in self.study.records)
        options = "".join(f" --profile {profile}" for profile in profiles if profile != "quick")
        return f"fwibench study run {self.study.plan.study.name}{options}"


def claims_table(verdicts: Sequence[Verdict]) -> TextTable:
    """Return judged claims as a table."""
    rows = [[one.claim.text, one.claim.source, one.outcome, one.evidence] for one in verdicts]
    return TextTable("claims", ("claim", "source", "here", "evidence"), rows, (), ("source",))


def to_page(document: Document) -> str:
    """Return the page in Markdown."""
    spec = document.study.plan.study
    parts = [f"# {escape_markdown(spec.title)}", escape_markdown(sentence(spec.summary))]
    if spec.reference:
        parts.append(f"Source: {escape_markdown(spec.reference)}.")
    parts += [f"```\n{document.command}\n```", *(f"- {escape_markdown(note)}" for note in notes_of(document.study))]
    parts += [
        f"![{escape_markdown(one.caption)}]({name})"
        for one, name in zip(document.drawings, document.images, strict=False)
    ]
    parts += [
        f"**{escape_markdown(one.title)}**\n\n{to_markdown(_untitled(one))}" for one in make_tables(document.study)
    ]
    if document.verdicts:
        parts += ["## Claims", to_markdown(_untitled(claims_table(document.verdicts)))]
    if gaps := document.study.gaps:
        parts += ["## What is missing", "\n".join(f"- {escape_markdown(gap)}" for gap in gaps)]
    return "\n\n".join(filter(None, parts)).rstrip() + "\n"


def to_html_page(document: Document) -> str:
    """Return the page in HTML, with its figures in it."""
    spec = document.study.plan.study
    images = [
        f'<p><img src="{as_uri(render(one, "png"), "image/png")}" alt="{html.escape(one.caption)}"></p>'
        for one in document.drawings
    ]
    tables = [to_html(one) for one in make_tables(document.study)]
    if document.verdicts:
        tables.append(to_html(claims_table(document.verdicts)))
    lists = [_html_list(notes_of(document.study)), *images, *tables]
    if gaps := document.study.gaps:
        lists += ["<h2>What is missing</h2>", _html_list(gaps)]
    source = f"<p>Source: {html.escape(spec.reference)}.</p>" if spec.reference else ""
    body = "\n".join(lists)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{html.escape(spec.title)}</title>\n'
        f"<style>{STYLE}</style>\n<h1>{html.escape(spec.title)}</h1>\n<p>{html.escape(sentence(spec.summary))}</p>\n{source}\n"
        f"<p><code>{html.escape(document.command)}</code></p>\n{body}\n<p>fwibench {__version__}</p>\n</html>\n"
    )


def to_csv(document: Document) -> str:
    """Return one line for each number."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(long_table(document.study))
    return stream.getvalue()


def to_json(document: Document) -> str:
    """Return the numbers and the judged claims."""
    return json.dumps(as_data(document), indent=1) + "\n"


def as_data(document: Document) -> dict[str, object]:
    """Return a study as plain data: numbers, claims and gaps."""
    spec = document.study.plan.study
    claims = [
        {"claim": one.claim.text, "source": one.claim.source, "outcome": one.outcome, "evidence": one.evidence}
        for one in document.verdicts
    ]
    return {
        "study": spec.name,
        "title": spec.title,
        "values": long_table(document.study),
        "claims": claims,
        "gaps": document.study.gaps,
    }


def to_tex(document: Document) -> str:
    """Return the tables for LaTeX."""
    return "% \\usepackage{booktabs}\n" + "\n".join(map(to_latex, make_tables(document.study)))


FORMATS: dict[str, Callable[[Document], str]] = {
    ".csv": to_csv,
    ".json": to_json,
    ".md": to_page,
    ".tex": to_tex,
    ".html": to_html_page,
}
"""Formats of an exported study, by suffix."""


def check_suffix(path: Path) -> None:
    """Raise `UnknownNameError` unless the suffix of a file names a format."""
    if path.suffix not in FORMATS:
        raise UnknownNameError.among("format of a study", path.suffix, FORMATS)


def sentence(text: str) -> str:
    """Return a summary, which specs write without capital and full stop, as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def notes_of(study: StudyResults) -> list[str]:
    """Return what to know before the results of a study are read."""
    notes = list(study.plan.study.notes)
    if any(record.source == "synthetic" for record in study.records):
        notes.append("All data are synthetic; published numbers are of the original data.")
    return notes


def _untitled(table: TextTable) -> TextTable:
    return TextTable("", table.header, table.rows, table.right, table.optional)


def _html_list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>" if lines else ""
