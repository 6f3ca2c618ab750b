"""HTML from templates.

Invariant: every value is escaped; only the package's own style sheets and scripts are inserted as they are.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FOLDER = "templates"


def make_environment() -> Environment:
    """Return the templates, named by their path in the folder; an undefined name is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("fwibench.report", FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # JSON has no NaN
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment


def read_part(name: str) -> Markup:
    """Return a style sheet or a script, which a template inserts unescaped.

    Args:
        name: Path in the folder of templates.
    """
    from markupsafe import Markup

    return Markup((resources.files("fwibench.report") / FOLDER / name).read_text())
