"""Writes docs/reference from the code: hooks, specs, bases, problem and commands. `make docs` runs it.

Invariant: pages depend on the code alone, and whatever lacks a description says so by the word `UNDOCUMENTED`,
which the tests do not let pass.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fwibench import TrainingOptions, problem
from fwibench.cli.app import app
from fwibench.datasets.base import Dataset
from fwibench.datasets.simulated import SimulatedDataset
from fwibench.datasets.stored import StoredDataset
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity, Layer
from fwibench.methods.context import RunContext
from fwibench.methods.iterative import IterativeMethod
from fwibench.methods.torch_method import TorchMethod
from fwibench.plugins import hookspecs
from fwibench.plugins.loading import PREFIX
from fwibench.specs.base import Spec
from fwibench.specs.dataset import PublishedMaps
from fwibench.specs.dataset_options import DatasetOptions, FilesOptions
from fwibench.specs.method import Published

FOLDER = Path(__file__).parent / "reference"
UNDOCUMENTED = "(undocumented)"
NOTE = "Generated from the code by `make docs`; edit that instead.\n"


class Bare(str):
    """An annotation that is shown without quotes."""

    __repr__ = str.__str__


def main() -> None:
    """Writes every page."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Texts of all pages, by file name."""
    models: list[type[BaseModel]] = [Spec, *_specs(), Published, PublishedMaps]
    models += [TrainingOptions, DatasetOptions, FilesOptions]
    costs: list[type[BaseModel]] = [Complexity, Layer]
    parts = [value for value in vars(problem).values() if _is_own_model(value, problem.__name__)]
    # the whole before its parts
    parts.sort(key=lambda part: part is not problem.Problem)
    return {
        "hooks.md": page("Hooks", *map(hook, _hooks())),
        "specs.md": page("Specs and options", *map(model, models)),
        "methods.md": page(
            "Bases of methods",
            *map(base, [Method, TorchMethod, IterativeMethod, RunContext]),
            *map(model, costs),
        ),
        "datasets.md": page("Bases of datasets", *map(base, [Dataset, StoredDataset, SimulatedDataset])),
        "problem.md": page("The problem", *map(model, parts)),
        "commands.md": page("Commands", *commands(typer.main.get_command(app), "fwibench")),
    }


def page(title: str, *sections: str) -> str:
    """A page of sections."""
    text = "\n".join([f"# {title}", "", NOTE, *sections])
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def hook(function: Callable[..., Any]) -> str:
    """What one hook is asked for."""
    return f"## `{function.__name__}`\n\n```python\n{signature(function)}\n```\n\n{prose(function.__doc__)}\n"


def model(cls: type[BaseModel]) -> str:
    """A pydantic model: what it is, and its fields."""
    above = {name for one in cls.__bases__ for name in getattr(one, "model_fields", {})}
    own = [row(name, field) for name, field in cls.model_fields.items() if name not in above]
    table = ["| field | type | default | meaning |", "|---|---|---|---|", *own] if own else []
    return "\n".join([f"## `{cls.__name__}`", "", _home(cls), "", prose(cls.__doc__), "", *table, *_methods(cls)])


def base(cls: type) -> str:
    """A class to derive from: what it is, and its public methods."""
    return "\n".join([f"## `{cls.__name__}`", "", _home(cls), "", prose(cls.__doc__), "", *_methods(cls)])


def commands(command: Any, name: str) -> Iterator[str]:
    """A command and those below it: help, usage, arguments and options."""
    context = typer.Context(command, info_name=name)
    records = [(param.param_type_name, param.get_help_record(context)) for param in command.get_params(context)]
    kinds = {
        kind: [record for of, record in records if of == kind and record is not None] for kind in ("argument", "option")
    }
    lines = [f"## `{name}`", "", prose(command.help), "", "```"]
    lines += [" ".join([name, *command.collect_usage_pieces(context)]), "```", ""]
    for kind, found in kinds.items():
        shown = [(what, text) for what, text in found if not what.startswith("--help")]
        if shown:
            lines += [f"| {kind} | meaning |", "|---|---|"]
            # a default alone says nothing of what an option is for
            lines += [
                cells(f"`{what}`", text if re.sub(r"\[.*\]", "", text).strip() else UNDOCUMENTED)
                for what, text in shown
            ]
            lines.append("")
    yield "\n".join(lines)
    for below, one in sorted(getattr(command, "commands", {}).items()):
        yield from commands(one, f"{name} {below}")


def row(name: str, field: FieldInfo) -> str:
    """One field as a line of a table."""
    default = "required" if field.is_required() else f"`{_value(field.get_default(call_default_factory=True))}`"
    return cells(f"`{name}`", f"`{kind_of(field.annotation)}`", default, field.description or UNDOCUMENTED)


def cells(*texts: str) -> str:
    """A line of a table."""
    return "| " + " | ".join(" ".join(text.split()).replace("|", "\\|") for text in texts) + " |"


def kind_of(annotation: Any) -> str:
    """A type as people write it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return kind_of(arguments[0])
    if origin is Literal:
        return " | ".join(map(repr, arguments))
    if origin in (Union, types.UnionType):
        return " | ".join(map(kind_of, arguments))
    if annotation is Ellipsis:
        return "..."
    name = "None" if annotation is type(None) else getattr(annotation, "__name__", str(annotation))
    return f"{name}[{', '.join(map(kind_of, arguments))}]" if arguments else name


def signature(function: Callable[..., Any], skip: tuple[str, ...] = ("self",)) -> str:
    """Name, arguments and result."""
    found = inspect.signature(function)
    arguments = [
        one.replace(
            annotation=Bare(one.annotation) if isinstance(one.annotation, str) else one.annotation,
            # a function has no readable value
            default=Bare("...") if inspect.isroutine(one.default) else one.default,
        )
        for name, one in found.parameters.items()
        if name not in skip
    ]
    result = found.return_annotation
    result = Bare(result) if isinstance(result, str) else result
    return function.__name__ + str(found.replace(parameters=arguments, return_annotation=result))


def prose(docstring: str | None) -> str:
    """A Google docstring as Markdown: sections get headings, their entries become lists."""
    lines: list[str] = []
    section = ""
    for line in inspect.cleandoc(docstring or UNDOCUMENTED).splitlines():
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


def _hooks() -> list[Callable[..., Any]]:
    return [value for name, value in vars(hookspecs).items() if name.startswith(PREFIX)]


def _specs() -> list[type[Spec]]:
    return sorted(Spec.__subclasses__(), key=lambda spec: spec.__name__)


def _is_own_model(value: Any, module: str) -> bool:
    return (
        inspect.isclass(value)
        and issubclass(value, BaseModel)
        and value.__module__ == module
        and bool(value.model_fields)
    )


def _home(cls: type) -> str:
    above = ", ".join(f"`{one.__name__}`" for one in cls.__bases__ if one.__module__.startswith("fwibench"))
    return f"`{cls.__module__}`" + (f", a kind of {above}" if above else "")


def _methods(cls: type) -> Iterator[str]:
    """Public functions and properties that a class defines itself."""
    for name, member in vars(cls).items():
        function = getattr(member, "fget", None) or getattr(member, "func", None) or member
        if name.startswith(("_", "model_")) or not inspect.isfunction(function) or function.__name__ == "<lambda>":
            continue
        must = "*To be given by the author.* " if getattr(member, "__isabstractmethod__", False) else ""
        shown = name if function is not member else signature(function)
        yield f"\n### `{shown}`\n\n{must}{prose(function.__doc__)}"
    yield ""


def _value(value: Any) -> str:
    return value.__name__ if inspect.isclass(value) else repr(value)


if __name__ == "__main__":
    main()
