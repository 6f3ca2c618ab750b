"""Configuration of the documentation; `make docs` builds it with warnings as errors."""

import sys
import tomllib
from pathlib import Path

import fwibench

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
from fwibench_docs.code import type_aliases

metadata = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
repository = metadata["urls"]["Source"]

project = "fwibench"
author = "The fwibench developers"
copyright = f"{author}, BSD 3-clause licence"  # noqa: A001
version = release = fwibench.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "fwibench_docs",
]
exclude_patterns = ["_build", "_ext", "datasets/measured", "methods/about"]
nitpicky = True

# notebooks are stored with their outputs; `make notebooks` executes them
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3

# docstrings mark code with single backticks
default_role = "code"
toc_object_entries_show_parents = "hide"
autodoc_typehints = "description"
autodoc_type_aliases = type_aliases()
python_use_unqualified_type_names = True
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# the prompt of a shell is not copied
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = False

html_theme = "pydata_sphinx_theme"
html_title = "fwibench"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
# pages without others below them
html_sidebars = {"index": [], "start/index": []}
html_theme_options = {
    "github_url": repository,
    "show_toc_level": 2,
    "show_prev_next": False,
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_context = {"default_mode": "auto"}
