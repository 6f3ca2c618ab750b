"""The public names: what `import fwibench` offers, at what cost."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fwibench as fb


def test_every_public_name_is_there() -> None:
    for name in fb.__all__:
        assert getattr(fb, name) is not None
    assert {"evaluate", "run", "leaderboard", "load_dataset", "load_run", "list_methods"} <= set(fb.__all__)
    assert set(fb.__all__) <= set(dir(fb))


def test_editors_see_the_names_that_are_loaded_lazily() -> None:
    tree = ast.parse(Path(fb.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    typed = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == fb._MODULES
    assert sorted(typed) == sorted(fb.__all__)


def test_no_public_name_is_hidden_by_a_package() -> None:
    """A subpackage that is imported becomes an attribute, which would replace a function of its name."""
    folder = Path(fb.__file__).parent
    modules = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert not modules & set(fb.__all__)


def test_import_loads_neither_numpy_nor_torch() -> None:
    code = "import sys, fwibench; print([m for m in ('numpy', 'torch', 'pandas', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'evaluat'"):
        _ = fb.evaluat  # type: ignore[attr-defined]


def test_lists_hold_specs_by_name() -> None:
    for specs, name in ((fb.list_methods(), "invlint"), (fb.list_datasets(), "salt"), (fb.list_metrics(), "mae")):
        names = [spec.name for spec in specs]
        assert name in names
        assert names == sorted(names)
