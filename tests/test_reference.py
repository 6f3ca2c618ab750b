"""The reference pages are the program's, and nothing in them lacks a description."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import typer
from pydantic import BaseModel

from fwibench.plugins.registry import Registry

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference_pages_are_up_to_date(reference: ModuleType) -> None:
    pages = reference.pages()
    assert {path.name for path in (DOCS / "reference").iterdir()} == set(pages)
    for name, text in pages.items():
        assert (DOCS / "reference" / name).read_text() == text, f"{name} is stale: make docs"


def test_every_documented_item_has_a_description(reference: ModuleType) -> None:
    for name, text in reference.pages().items():
        lacking = [line for line in text.splitlines() if reference.UNDOCUMENTED in line]
        assert not lacking, (name, lacking)


def test_every_option_of_a_built_in_has_a_description(registry: Registry) -> None:
    for name, offer in (*registry.methods.items(), *registry.datasets.items()):
        for option, field in offer.spec.options.model_fields.items():
            assert field.description, f"option {option} of {name}"


def test_missing_description_is_found(reference: ModuleType) -> None:
    class Bare(BaseModel):
        """A model."""

        depth: int = 1

    def fwibench_silent() -> None:
        pass

    app = typer.Typer()

    @app.command()
    def mute(option: int = 3) -> None:
        pass

    assert "| `depth` | `int` | `1` | (undocumented) |" in reference.model(Bare)
    assert reference.UNDOCUMENTED in reference.hook(fwibench_silent)
    (text,) = reference.commands(typer.main.get_command(app), "mute")
    assert text.count(reference.UNDOCUMENTED) == 2
    assert "| `--option <int>` | (undocumented) |" in text
