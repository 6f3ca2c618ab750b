"""Small tables for notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterable


def labelled_lines(lines: Iterable[tuple[str, str]]) -> str:
    """Return labelled lines as an HTML table; what stands in them is escaped."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(label)}</th>"
        f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
        for label, text in lines
    )
    return f"<table>{rows}</table>"
