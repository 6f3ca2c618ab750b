"""Leaderboards in texts and pages.

Invariant: no text of a record acts as markup.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import replace

from fwibench.boards.exporters.data import inert
from fwibench.boards.rows import STATED, STATED_MARK, Row
from fwibench.boards.tables import Table, make_tables
from fwibench.text.tables import TextTable, to_latex, to_markdown

STYLE = (
    "body{font:14px sans-serif}table{border-collapse:collapse}th,td{padding:2px 8px;text-align:left;"
    "border-bottom:1px solid #ccc;white-space:nowrap}td.number{text-align:right}"
)


def as_markdown(rows: Sequence[Row]) -> str:
    """Return a table for each group, with the columns that a text shows."""
    return "\n".join(map(to_markdown, _text_tables(rows)))


def as_latex(rows: Sequence[Row]) -> str:
    """Return the same tables for LaTeX, with booktabs."""
    return "% \\usepackage{booktabs}\n" + "\n".join(map(to_latex, _text_tables(rows)))


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


def _text_tables(rows: Sequence[Row]) -> list[TextTable]:
    """Tables of the groups, without marks of busy machines."""
    return list(map(_for_a_text, make_tables([replace(row, busy=frozenset()) for row in rows])))


def _for_a_text(table: Table) -> TextTable:
    """The table without columns that are empty in all rows, the device, and the status if all rows are ok."""
    kept = [
        number
        for number, column in enumerate(table.columns)
        if column.key != "device"
        and any(row[number] for row in table.rows)
        and not (column.key == "status" and all(row[number] in ("ok", "published") for row in table.rows))
    ]
    header = tuple(table.header[number] for number in kept)
    rows = [
        [row[number] if table.header[number] in table.right else inert(row[number]) for number in kept]
        for row in table.rows
    ]
    marked = any(cell.endswith(STATED_MARK) for row in rows for cell in row)
    right = tuple(name for name in table.right if name in header)
    return TextTable(table.title, header, rows, right, note=STATED if marked else "")
