"""What connects the generated pages to Sphinx: events, directives and cross-references."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from pydantic import BaseModel
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from fwibench_docs.code import app as command_line
from fwibench_docs.code import documented_name, hooks, reference_groups
from fwibench_docs.commands import undocumented_commands
from fwibench_docs.diagrams import DIAGRAMS
from fwibench_docs.pages import write_pages
from fwibench_docs.reference import field_table, undocumented
from fwibench_docs.tables import TABLES

logger = logging.getLogger(__name__)


class TableDirective(SphinxDirective):
    """`fwibench-table NAME`: a table from the code within a hand-written page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Parse the table as part of the page."""
        return self.parse_text_to_nodes(TABLES[self.arguments[0]]())


class DiagramDirective(SphinxDirective):
    """`fwibench-diagram NAME`: a drawing within the page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Put the SVG into the page as it is."""
        return [nodes.raw("", DIAGRAMS[self.arguments[0]](), format="html")]


def register(app: Sphinx) -> None:
    """Connect everything to Sphinx."""
    app.add_directive("fwibench-table", TableDirective)
    app.add_directive("fwibench-diagram", DiagramDirective)
    app.connect("builder-inited", _write_pages)
    app.connect("autodoc-process-docstring", _add_fields)
    app.connect("autodoc-process-signature", _shorten_signature)
    app.connect("missing-reference", _resolve)


def _write_pages(app: Sphinx) -> None:
    write_pages(Path(app.srcdir))
    things = [*hooks(), *(thing for group in reference_groups().values() for thing in group)]
    for name in undocumented(things):
        logger.warning("%s has no description in its docstring or field", name)
    for name in undocumented_commands(command_line, "fwibench"):
        logger.warning("%s has no help text", name)


def _add_fields(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    # docstrings know code in backticks; a bar elsewhere is a bar, not a substitution
    lines[:] = [re.sub(r"(`+[^`]*`+)|\|", lambda found: found[1] or r"\|", line) for line in lines]
    if what == "class" and inspect.isclass(thing) and issubclass(thing, BaseModel):
        lines += field_table(thing)


def _shorten_signature(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, signature: str, returns: str
) -> tuple[str, str] | None:
    # the table of fields says the same with types and defaults
    if what == "class" and inspect.isclass(thing) and issubclass(thing, BaseModel):
        return "", ""
    return None


def _resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement) -> nodes.Node | None:
    """Lead a type in a signature to the page that documents it, by whichever path the code imports it.

    Types that the reference does not document, those of other packages included, are shown without a link.
    """
    if node.get("refdomain") != "py" or node.get("refexplicit"):
        return None
    target: str = node["reftarget"]
    name = documented_names().get(target.rpartition(".")[2])
    domain = env.domains.python_domain
    if name and name in domain.objects:
        return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, text)
    return text


def documented_names() -> dict[str, str]:
    """Return the documented name of each object of the reference, by its plain name."""
    groups = reference_groups().values()
    return {thing.__name__: documented_name(thing) for group in groups for thing in group}
