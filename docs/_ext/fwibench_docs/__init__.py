"""The Sphinx extension of fwibench's documentation.

It writes the pages that follow from the code before Sphinx reads its sources, draws diagrams, and warns of whatever
lacks a description; the site is built with warnings as errors. Only `sphinx_setup` imports Sphinx, so that the tests
of everything else need no documentation tools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension; Sphinx calls this."""
    from fwibench_docs.sphinx_setup import register

    register(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
