"""The drawings of the architecture page."""

import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fwibench_docs.diagrams import DIAGRAMS, FLOORS, WIDTH, floors

ROOT = Path(__file__).parents[2]


def test_floors_are_those_that_import_linter_checks() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [layer for contract in contracts if contract["type"] == "layers" for layer in contract["layers"]]
    drawn = " ".join(f"{name} {text}" for name, text in floors())
    for layer in contracts[0]["layers"]:
        for name in layer.replace(" ", "").split("|"):
            assert name in drawn, name
    assert layers
    assert all(text for _, text in floors())


def test_every_floor_has_a_text_of_its_own() -> None:
    assert {name.split(" ")[0] for name, _ in floors()[:-1]} <= set(FLOORS)


@pytest.mark.parametrize("name", sorted(DIAGRAMS))
def test_a_drawing_is_well_formed_and_its_boxes_are_inside(name: str) -> None:
    root = ElementTree.fromstring(DIAGRAMS[name]())
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    assert width == WIDTH
    assert root.attrib["aria-label"]
    boxes = [{key: float(box.attrib[key]) for key in ("x", "y", "width", "height")} for box in root.iter("rect")]
    for box in boxes:
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    # the text of a line of 12 units is about 0.6 units wide for each character and unit of its size
    assert all(len(text.text or "") <= 56 for text in root.iter("text"))
