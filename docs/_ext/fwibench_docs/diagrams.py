"""The drawings of the architecture page as SVG within the page, so that they follow its light or dark colours.

Both are 360 units wide: text stays readable on a phone, where a unit is about a pixel.
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from collections.abc import Callable
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[3]
WIDTH = 360
LINE = 15
"""Height of a line of text."""
CHARACTERS = 47
"""Characters of a line that fit into a box of the full width."""
STEP = 32
"""Gap between two boxes with an arrow."""

FLOORS = {
    "cli": "Typer commands and Rich output: parse, call one public function, print.",
    "api": "The public functions of import fwibench.",
    "studies": "Declared sweeps that reproduce a table or a figure.",
    "report": "Pages and figures from records.",
    "boards": "Records to rows, statistics and exported tables.",
    "runs": "Plan to cell to record, one child process for each cell.",
    "testing": "The conformance kit.",
    "plugins": "Hooks, loading, isolation, registry.",
    "methods": "Contracts, training loop, storage and scores, and what methods and datasets share.",
    "physics": "Property to measurement: acoustic and electromagnetic.",
    "specs": "What a plugin declares before its code is imported.",
}
"""What each floor holds, by the first of its packages."""


def floors() -> list[tuple[str, str]]:
    """Return the floors from top to bottom, as import-linter checks them: packages, and what they hold.

    Those below `specs` are plain values and become one floor.
    """
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers: list[str] = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    groups = [layer.replace(" ", "").split("|") for layer in layers]
    border = groups.index(["specs"]) + 1
    upper = [(" · ".join(group), FLOORS.get(group[0]) or _docstring(group[0])) for group in groups[:border]]
    lower = ", ".join(name for group in groups[border:] for name in group)
    return [*upper, ("plain values", f"Small modules without torch: {lower}.")]


def draw_floors() -> str:
    """Return the floors as SVG."""
    shapes, y = [], 4.0
    for name, text in floors():
        shape, height = _box(4, y, WIDTH - 8, name, *textwrap.wrap(text, CHARACTERS))
        shapes.append(shape)
        y += height + 8
    return _svg(y, "The floors of the code: each one imports only from those below it", shapes)


def draw_data_flow() -> str:
    """Return the way of the data from a dataset's spec to an exported leaderboard as SVG."""
    half, left = WIDTH // 2 - 10, 4
    right = WIDTH - half - left
    columns = left + half / 2, right + half / 2
    two = 26 + 2 * LINE
    shapes = [
        _box(left, 4, half, "DatasetSpec", "what a dataset", "declares")[0],
        _box(right, 4, half, "MethodSpec", "what a method", "declares", kind="other")[0],
        _arrow(columns[0], 4 + two, "prepare"),
        _box(left, 92, half, "shards + manifest", "NumPy arrays on disk,", "with hashes")[0],
        _arrow(columns[0], 92 + two, "open, split"),
        _box(left, 180, half, "Split", "train, val or test,", "memory-mapped")[0],
        _arrow(columns[1], 4 + two, "build", length=180 - 4 - two),
        _box(right, 180, half, "Method", "gets problem, options", "and context", kind="other")[0],
        _arrow(columns[0], 180 + two, "train, val"),
        _arrow(columns[1], 180 + two, ""),
    ]
    y = 180.0 + two + STEP
    for kind, name, lines, label in (
        (
            "other",
            "fit, then predict",
            ("A process of its own. It gets the test", "measurements, but never the test maps."),
            "maps",
        ),
        (
            "own",
            "metrics",
            ("Another process: pure functions of", "prediction, truth and problem."),
            "a score for each sample",
        ),
        ("own", "record.json, scores.csv", ("A folder for each cell, whatever its status.",), "records only"),
        ("own", "leaderboard, figures, report", ("csv, json, md, tex, html, parquet, png, svg",), ""),
    ):
        shape, height = _box(left, y, WIDTH - 2 * left, name, *lines, kind=kind)
        shapes += [shape, _arrow(WIDTH / 2, y + height, label)] if label else [shape]
        y += height + STEP
    return _svg(y - STEP + 4, "The way of the data: from a dataset and a method to the leaderboard", shapes)


DIAGRAMS: dict[str, Callable[[], str]] = {"floors": draw_floors, "data-flow": draw_data_flow}
"""Drawings by the name that the directive `fwibench-diagram` takes."""


def _svg(height: float, title: str, shapes: list[str]) -> str:
    head = f'<svg class="diagram" viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(title)}">'
    return "\n".join([head, *shapes, "</svg>"])


def _box(x: float, y: float, width: float, name: str, *lines: str, kind: str = "own") -> tuple[str, float]:
    """Return a rounded box with a name and lines of text below it, and its height."""
    middle, height = x + width / 2, 26 + LINE * len(lines)
    texts = [f'<text class="name" x="{middle:g}" y="{y + 18:g}">{escape(name)}</text>']
    texts += [
        f'<text x="{middle:g}" y="{y + 18 + LINE * number:g}">{escape(line)}</text>'
        for number, line in enumerate(lines, 1)
    ]
    shape = f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>'
    return shape + "".join(texts), height


def _arrow(x: float, start: float, label: str, length: float = 0) -> str:
    """Return an arrow downwards, as long as the gap between boxes unless told, with a label to its right."""
    end = start + (length or STEP)
    tip = f"M{x:g} {start:g}V{end - 2:g}M{x - 4:g} {end - 7:g}L{x:g} {end - 2:g}L{x + 4:g} {end - 7:g}"
    text = f'<text class="label" x="{x + 8:g}" y="{(start + end) / 2 + 4:g}">{escape(label)}</text>'
    return f'<path d="{tip}"/>{text}'


def _docstring(package: str) -> str:
    """Return the first line of a package's docstring, without importing it."""
    module = ast.parse((ROOT / "fwibench" / package / "__init__.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(module) or "").partition("\n")[0]
