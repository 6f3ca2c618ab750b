"""Tables of texts in Markdown, LaTeX and HTML.

Invariant: no text of a cell acts as markup.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class TextTable:
    """A table of texts.

    Attributes:
        title: Title; empty for none.
        header: Heads of the columns.
        rows: Cells, as many in each row as there are heads.
        right: Heads of the columns that are aligned to the right.
        optional: Heads of the columns that a narrow terminal may lack, the first to drop first.
        note: Footnote; empty for none.
    """

    title: str
    header: tuple[str, ...]
    rows: list[list[str]]
    right: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    note: str = ""


def to_markdown(table: TextTable) -> str:
    """Return a table in Markdown, below its title."""
    rule = ["---:" if name in table.right else "---" for name in table.header]
    lines = [map(escape_markdown, table.header), rule, *(map(escape_markdown, row) for row in table.rows)]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    title = f"{escape_markdown(table.title)}\n\n" if table.title else ""
    note = f"\n{escape_markdown(table.note)}\n" if table.note else ""
    return f"{title}{body}\n{note}"


def to_latex(table: TextTable) -> str:
    """Return a table for LaTeX with booktabs."""

    def line(cells: Sequence[str]) -> str:
        return "    " + " & ".join(map(escape_latex, cells)) + r" \\"

    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            f"  \\caption{{{escape_latex(table.title)}}}",
            f"  \\begin{{tabular}}{{{''.join('r' if name in table.right else 'l' for name in table.header)}}}",
            r"    \toprule",
            line(table.header),
            r"    \midrule",
            *map(line, table.rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            *([f"  \\par\\footnotesize {escape_latex(table.note)}"] if table.note else []),
            r"\end{table}",
            "",
        ]
    )


def to_html(table: TextTable) -> str:
    """Return a table as an HTML element with its title as caption."""
    right = [name in table.right for name in table.header]

    def line(cells: Sequence[str], tag: str) -> str:
        marked = zip(cells, right, strict=True)
        return "".join(f"<{tag}{' class=number' if far else ''}>{html.escape(cell)}</{tag}>" for cell, far in marked)

    body = "\n".join(f"<tr>{line(row, 'td')}</tr>" for row in table.rows)
    caption = f"<caption>{html.escape(table.title)}</caption>" if table.title else ""
    note = f"<p>{html.escape(table.note)}</p>\n" if table.note else ""
    head = f"<thead><tr>{line(table.header, 'th')}</tr></thead>"
    return f"<table>{caption}\n{head}\n<tbody>\n{body}\n</tbody>\n</table>\n{note}"


def escape_markdown(text: str) -> str:
    """Return a text in one line that Markdown shows as it is."""
    plain = re.sub(r"([\\`*_\[\]|#~])", r"\\\1", _one_line(text))
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_latex(text: str) -> str:
    """Return a text in one line that LaTeX shows as it is."""
    return "".join(LATEX.get(sign, sign) for sign in _one_line(text))


def _one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
