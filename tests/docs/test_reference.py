"""The reference shows everything that is public, and nothing in it lacks a description."""

import inspect
import re

import typer
from pydantic import BaseModel

import fwibench
from fwibench import testing
from fwibench.plugins.registry import Registry
from fwibench_docs.code import app, hooks, reference_groups
from fwibench_docs.commands import commands_page, describe, undocumented_commands
from fwibench_docs.reference import autodoc, field_table, reference_pages, undocumented


def test_every_public_name_is_in_the_reference() -> None:
    text = "\n".join(reference_pages().values())
    for module in (fwibench, testing):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                assert f":: {module.__name__}.{name}\n" in text, name


def test_every_command_is_in_the_reference() -> None:
    page = commands_page(app)
    for name in ("run", "leaderboard", "data add", "plugins new"):
        assert f"## `fwibench {name}`\n" in page
    assert re.search(r"\| `.*--methods", page)


def test_every_hook_field_method_command_and_option_is_described() -> None:
    things = [*hooks(), *(thing for group in reference_groups().values() for thing in group)]
    assert list(undocumented(things)) == []
    assert list(undocumented_commands(app, "fwibench")) == []


def test_every_option_of_a_built_in_is_described(registry: Registry) -> None:
    for name, offer in (*registry.methods.items(), *registry.datasets.items()):
        for option, field in offer.spec.options.model_fields.items():
            assert field.description, f"option {option} of {name}"


def test_missing_descriptions_are_found() -> None:
    class Bare(BaseModel):
        """A model.

        Attributes:
            width: Number of nodes.
        """

        depth: int = 1
        width: int = 2

        def fit(self) -> None:
            pass

    class Nameless:
        pass

    def fwibench_silent() -> None:
        pass

    app = typer.Typer()

    @app.command()
    def mute(option: int = 3) -> None:
        pass

    assert list(undocumented([Bare])) == ["Bare.fit", "Bare.depth"]
    assert list(undocumented([Nameless, fwibench_silent])) == ["Nameless", "fwibench_silent"]
    command = typer.main.get_command(app)
    assert list(undocumented_commands(command, "mute")) == ["mute", "mute --option <int>"]
    (text,) = describe(command, "mute")
    assert "| `--option <int>` |" in text


def test_a_model_is_shown_with_its_own_fields() -> None:
    class Base(BaseModel):
        """A model."""

        depth: int = 1

    class Derived(Base):
        """Another model."""

        names: tuple[str, ...] | None = None

    lines = [line.strip(" *-") for line in field_table(Derived)]
    assert lines[-5:-1] == ["``names``", "``tuple[str, ...] | None``", "``None``", ""]
    assert "``depth``" not in lines
    assert ":show-inheritance:" not in autodoc(Derived)
