"""Leaderboards in texts and pages.

Invariant: no text of a record acts as markup.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace

from fwibench.boards.exporters.data import inert
from fwibench.boards.rows import Row
from fwibench.boards.tables import Table, make_tables

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


def as_markdown(rows: Sequence[Row]) -> str:
    """Return a table for each group, with the columns that a text shows."""
    return "\n".join(map(_markdown, _text_tables(rows)))


def as_latex(rows: Sequence[Row]) -> str:
    """Return the same tables for LaTeX, with booktabs."""
    return "% \\usepackage{booktabs}\n" + "\n".join(map(_latex, _text_tables(rows)))


def as_html(rows: Sequence[Row]) -> str:
    """Return one table with all columns."""
    columns = list(rows[0].columns) if rows else []
    head = "".join(f'<th title="{html.escape(column.meaning)}">{html.escape(column.key)}</th>' for column in columns)
    body = "\n".join(
        "<tr>"
        + "".join(
            f"<td{' class=number' if column.kind != 'text' else ''}>{html.escape(_text(row[column.key]))}</td>"
            for column in columns
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


def _text_tables(rows: Sequence[Row]) -> list[Table]:
    """Tables of the groups, without marks of busy machines."""
    return list(map(_for_a_text, make_tables([replace(row, busy=frozenset()) for row in rows])))


def _for_a_text(table: Table) -> Table:
    """The table without columns that are empty in all rows, the device, and the status if all rows are ok."""
    kept = [
        number
        for number, column in enumerate(table.columns)
        if column.key != "device"
        and any(row[number] for row in table.rows)
        and not (column.key == "status" and all(row[number] in ("ok", "published") for row in table.rows))
    ]
    return Table(
        table.title,
        tuple(table.columns[number] for number in kept),
        tuple(table.header[number] for number in kept),
        [
            [row[number] if table.header[number] in table.right else inert(row[number]) for number in kept]
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
