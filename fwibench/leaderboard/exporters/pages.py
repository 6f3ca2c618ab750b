"""Leaderboards in texts and pages.

Invariant: no text of a record acts as markup.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from fwibench.leaderboard.columns import COLUMNS
from fwibench.leaderboard.exporters.data import Rows, Units, inert
from fwibench.leaderboard.presenting import Table, present

LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    # at the start of a line it would belong to the end of the last one
    "[": "{[}",
    **{sign: f"\\{sign}" for sign in "$&#_%"},
}
STYLE = (
    "body{font:14px sans-serif}table{border-collapse:collapse}th,td{padding:2px 8px;text-align:left;"
    "border-bottom:1px solid #ccc;white-space:nowrap}td.number{text-align:right}"
)


def as_markdown(rows: Rows, units: Units) -> str:
    """A table for each group, with the columns that a text would show."""
    return "\n".join(_markdown(table) for table in map(_for_a_text, present(rows, units)))


def as_latex(rows: Rows, units: Units) -> str:
    """The same for LaTeX, with booktabs."""
    return "% \\usepackage{booktabs}\n" + "\n".join(_latex(table) for table in map(_for_a_text, present(rows, units)))


def as_html(rows: Rows, units: Units) -> str:
    """One table with all columns."""
    head = "".join(
        f'<th title="{html.escape(column.meaning)}">{html.escape(name)}</th>' for name, column in COLUMNS.items()
    )
    body = "\n".join(
        "<tr>"
        + "".join(
            f"<td{' class=number' if COLUMNS[name].kind != 'text' else ''}>{html.escape(_text(row[name]))}</td>"
            for name in COLUMNS
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Leaderboard</title>\n'
        f"<style>{STYLE}</style>\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"
    )


def _text(value: object) -> str:
    return "" if value is None else inert(value) if isinstance(value, str) else str(value)


def _for_a_text(table: Table) -> Table:
    """Without what is empty in all rows, where it ran, and the status where all are well."""
    kept = [
        place
        for place, name in enumerate(table.header)
        if name != "device"
        and any(row[place] for row in table.rows)
        and not (name == "status" and all(row[place] in ("ok", "published") for row in table.rows))
    ]
    return Table(
        table.title,
        tuple(table.header[place] for place in kept),
        table.right,
        [
            [row[place] if table.header[place] in table.right else inert(row[place]) for place in kept]
            for row in table.rows
        ],
    )


def _markdown(table: Table) -> str:
    rule = ["---:" if name in table.right else "---" for name in table.header]
    lines = [map(_escape_markdown, table.header), rule, *(map(_escape_markdown, row) for row in table.rows)]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{_escape_markdown(table.title)}\n\n{body}\n"


def _latex(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return "    " + " & ".join(map(_escape_latex, cells)) + r" \\"

    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            f"  \\caption{{{_escape_latex(table.title)}}}",
            f"  \\begin{{tabular}}{{{''.join('r' if name in table.right else 'l' for name in table.header)}}}",
            r"    \toprule",
            line(table.header),
            r"    \midrule",
            *map(line, table.rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _escape_markdown(text: str) -> str:
    plain = re.sub(r"([\\`*_\[\]|#~])", r"\\\1", _one_line(text))
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escape_latex(text: str) -> str:
    return "".join(LATEX.get(sign, sign) for sign in _one_line(text))


def _one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
