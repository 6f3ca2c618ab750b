"""Docstrings of public functions with three or more arguments describe them.

ruff's PLR0913 holds the number of arguments, this test the sections, which pydocstyle does not ask for.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "fwibench",
    *(f"plugins/fwibench_{name}" for name in ("hybrid", "invlint", "loggers", "studies")),
    "baselines",
)
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def undescribed(source: str) -> Iterator[str]:
    """Names of public functions with three or more arguments whose docstring has no `Args`."""
    return _undescribed(ast.parse(source).body, None)


def _undescribed(nodes: list[ast.stmt], owner: ast.ClassDef | None) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _undescribed(node.body, node)
        elif isinstance(node, ast.FunctionDef) and not _is_exempt(node):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            documented = owner if owner and node.name == "__init__" else node
            if len(arguments) - (owner is not None) >= 3 and "Args:" not in (ast.get_docstring(documented) or ""):
                yield node.name


def _is_exempt(node: ast.FunctionDef) -> bool:
    """Whether a function is private, or implements a documented method of its base class, or is a Typer command."""
    private = node.name.startswith("_") and node.name != "__init__"
    refers = (ast.get_docstring(node) or "").startswith("See `")
    typer = any("typer." in ast.unparse(one.annotation) for one in node.args.args if one.annotation)
    decorators = map(ast.unparse, node.decorator_list)
    command = any("takes_request" in one or "with_options" in one for one in decorators)
    return private or refers or typer or command


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_public_functions_describe_their_arguments(path: Path) -> None:
    assert list(undescribed(path.read_text())) == []


def test_a_function_without_arguments_section_is_found() -> None:
    described = 'def f(a, b, c):\n    """Do.\n\n    Args:\n        a: A.\n    """\n'
    assert list(undescribed('def f(a, b, c):\n    """Do."""\n')) == ["f"]
    assert list(undescribed('class C:\n    """C."""\n    def f(self, a, b, c):\n        """Do."""\n')) == ["f"]
    assert list(undescribed(described)) == []
    assert list(undescribed('def f(a, b):\n    """Do."""\ndef _g(a, b, c): ...\n')) == []
