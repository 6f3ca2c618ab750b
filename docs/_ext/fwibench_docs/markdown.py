"""Markdown from plain values: tables, lists of facts, docstrings."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin


def table(header: Sequence[str], rows: Iterable[Sequence[str]], align_right: Sequence[int] = ()) -> str:
    """Return a Markdown table.

    Args:
        header: Titles of the columns.
        rows: A text for each column.
        align_right: Indices of the columns that hold numbers.
    """
    rule = "".join("|---:" if column in align_right else "|---" for column in range(len(header)))
    return "\n".join([row(header), rule + "|", *map(row, rows)]) + "\n"


def row(texts: Iterable[str]) -> str:
    """Return one line of a table; bars and line breaks within a text do not end its cell."""
    return "| " + " | ".join(" ".join(text.split()).replace("|", "\\|") for text in texts) + " |"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a table of labelled texts without the empty ones."""
    return table(("", ""), [(label, text) for label, text in pairs if text])


def page(title: str, *sections: str) -> str:
    """Return a page: a title and sections with one empty line between them."""
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join([f"# {title}", *sections])).rstrip() + "\n"


def code(text: object) -> str:
    """Return a text as inline code."""
    return f"`{text}`"


def type_name(annotation: Any) -> str:
    """Return a type as people write it: `tuple[str, ...]`, `'low' | 'high'`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_name(arguments[0])
    if origin is Literal:
        return " | ".join(map(repr, arguments))
    if origin in (Union, types.UnionType):
        return " | ".join(map(type_name, arguments))
    if annotation is Ellipsis:
        return "..."
    name = "None" if annotation is type(None) else getattr(annotation, "__name__", str(annotation))
    return f"{name}[{', '.join(map(type_name, arguments))}]" if arguments else name


def prose(docstring: str | None) -> str:
    """Return a Google docstring as Markdown: sections get bold headings, their entries become lists."""
    lines: list[str] = []
    section = ""
    for line in inspect.cleandoc(docstring or "").splitlines():
        heading = re.fullmatch(r"(Args|Attributes|Returns|Raises):", line)
        entry = re.match(r"    (\w+): (.*)", line)
        if heading:
            section = heading[1]
            lines += [f"**{section}**", ""]
        elif section and entry:
            lines.append(f"- `{entry[1]}`: {entry[2]}")
        else:
            lines.append(("  " if section and line.startswith("     ") else "") + line.strip())
    return "\n".join(lines)
