"""The reference of the Python interface: pages of autodoc directives, and field tables for pydantic models."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fwibench_docs import markdown
from fwibench_docs.code import documented_name, hooks, reference_groups

TITLES = {
    "python": ("Python interface", "What `import fwibench as fb` offers to scripts and notebooks."),
    "specs": ("Specs and options", "What a plugin declares of itself; all of it is read before its code is imported."),
    "methods": ("Base classes of methods", "What a method is, and the classes that do most of the work."),
    "datasets": ("Base classes of datasets", "What a dataset is, and the classes that store and simulate samples."),
    "problem": ("The problem", "All that a method may know before it sees data. Lengths are in m, times in s."),
    "testing": (
        "Conformance kit",
        "`fwibench.testing`: [the conformance checks](../../plugins/conformance.md) as code.",
    ),
}


def reference_pages() -> dict[str, str]:
    """Return the pages of the reference by name."""
    groups = reference_groups()
    pages = {
        name: markdown.page(title, introduction, *map(autodoc, groups[name]))
        for name, (title, introduction) in TITLES.items()
    }
    introduction = "What a plugin may implement; the module that its entry point names holds these functions."
    pages["hooks"] = markdown.page("Hooks", introduction, *map(autodoc, hooks()))
    return pages


def autodoc(thing: Any) -> str:
    """Return the directive that describes a class or a function."""
    name = documented_name(thing)
    lines = ["```{eval-rst}"]
    if inspect.isclass(thing):
        lines += [f".. autoclass:: {name}", "   :members:"]
        lines += ["   :show-inheritance:"] if _shown_bases(thing) else []
    else:
        lines += [f".. autofunction:: {name}"]
    return "\n".join([*lines, "```"])


def field_table(model: type[BaseModel]) -> list[str]:
    """Return the fields that a model defines itself as a reStructuredText table.

    Args:
        model: A pydantic model; fields of its bases are left out, since the bases have tables of their own.

    Returns:
        Lines of a `list-table`, none for a model without fields of its own.
    """
    inherited = {name for base in model.__bases__ for name in getattr(base, "model_fields", {})}
    # autodoc shows what the docstring describes
    elsewhere = inherited | _attributes(model)
    rows = [_field_row(name, field) for name, field in model.model_fields.items() if name not in elsewhere]
    if not rows:
        return []
    lines = ["", ".. list-table::", "   :header-rows: 1", "   :class: fields", ""]
    for cells in (("field", "type", "default", "meaning"), *rows):
        lines += [f"   {'*' if not number else ' '} - {cell}" for number, cell in enumerate(cells)]
    return [*lines, ""]


def undocumented(things: Iterable[Any]) -> Iterator[str]:
    """Yield names of classes, functions, public members and fields that have no description.

    Args:
        things: Classes and functions.
    """
    for thing in things:
        if not inspect.getdoc(thing) or (inspect.isclass(thing) and not thing.__doc__):
            yield thing.__name__
        if not inspect.isclass(thing):
            continue
        for name, function in _own_members(thing):
            if not inspect.getdoc(function):
                yield f"{thing.__name__}.{name}"
        if issubclass(thing, BaseModel):
            for name, field in thing.model_fields.items():
                if not field.description and name not in _attributes(thing):
                    yield f"{thing.__name__}.{name}"


def _own_members(cls: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods and properties that a class defines itself."""
    for name, member in vars(cls).items():
        function = getattr(member, "fget", None) or getattr(member, "func", None) or member
        if not name.startswith(("_", "model_")) and inspect.isfunction(function) and function.__name__ != "<lambda>":
            yield name, function


def _attributes(cls: type) -> set[str]:
    """Return the names in the section `Attributes` of a docstring."""
    section = inspect.cleandoc(cls.__doc__ or "").partition("\nAttributes:\n")[2]
    return set(re.findall(r"^    (\w+):", section, re.MULTILINE))


def _field_row(name: str, field: FieldInfo) -> tuple[str, ...]:
    value = field.get_default(call_default_factory=True) if not field.is_required() else None
    default = "required" if field.is_required() else _literal(value.__name__ if inspect.isclass(value) else repr(value))
    return (
        _literal(name),
        _literal(markdown.type_name(field.annotation)),
        default,
        " ".join((field.description or "").split()),
    )


def _literal(text: str) -> str:
    return f"``{text}``"


def _shown_bases(cls: type) -> bool:
    return any(base.__module__.startswith("fwibench") for base in cls.__bases__)
