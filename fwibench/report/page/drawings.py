"""Figures as the page holds them.

Invariant: a figure that cannot be drawn costs itself alone, and is told.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from PIL import Image

from fwibench.errors import DataError
from fwibench.plugins.isolation import describe
from fwibench.report.figures.catalogue import KINDS, list_drawings
from fwibench.report.figures.drawing import Drawing, render
from fwibench.report.figures.panels import ERRORS
from fwibench.report.material import Material
from fwibench.report.page.images import as_uri, colours_of
from fwibench.report.pictures import COLOURS

OF_SAMPLES = ("panels",)
"""Kinds that show samples of datasets."""
HEAVY = 200_000
"""Bytes beyond which lines and letters are no longer kept as such, and pixels get a palette."""
GREYS = 32
"""Of the colours of a palette; the others are those of maps and errors, half and half."""
BROAD = 1.5
"""Width over height from which a figure gets a row for itself."""


@dataclass(frozen=True)
class Picture:
    """A figure in the page.

    Attributes:
        drawing: What it shows.
        image: As a data URI.
        width: In pixels of the screen, as drawn.
        height: The same.
    """

    drawing: Drawing
    image: str
    width: int
    height: int

    @property
    def broad(self) -> bool:
        """Whether it needs all the width."""
        return self.width >= BROAD * self.height and self.width > 700


def list_pictures(material: Material, *, samples: bool) -> list[Picture]:
    """Every figure that the results have the ingredients for.

    Args:
        material: The results; figures that cannot be drawn are added to its faults.
        samples: Whether samples of datasets may be shown.
    """
    kinds = [kind for kind in KINDS if samples or kind not in OF_SAMPLES]
    # no kinds would stand for all of them
    return list(_draw(material, list_drawings(material, kinds))) if kinds else []


def _draw(material: Material, drawings: list[Drawing]) -> Iterator[Picture]:
    for drawing in drawings:
        try:
            yield _picture(drawing)
        except DataError as error:
            material.tell(error.message)
        except Exception as error:
            material.tell(f"figure {drawing.name} cannot be drawn: {describe(error)}")


def _picture(drawing: Drawing) -> Picture:
    """As lines where that is light, else as pixels."""
    # what shows samples is made of pixels anyway
    content = b"" if drawing.kind in OF_SAMPLES else render(drawing, "svg")
    size = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', content)
    if size is not None and len(content) <= HEAVY:
        # points, of which an inch has 72, to pixels, of which it has 96
        width, height = (round(float(part) * 96 / 72) for part in size.groups())
        return Picture(drawing, as_uri(content, "image/svg+xml"), width, height)
    content = lighten(render(drawing, "png"), maps=drawing.kind in OF_SAMPLES)
    width, height = (int.from_bytes(content[start : start + 4]) for start in (16, 20))
    return Picture(drawing, as_uri(content, "image/png"), round(width / 1.5), round(height / 1.5))


def lighten(content: bytes, *, maps: bool) -> bytes:
    """A heavy PNG with 256 colours, a third as large; the viewer has the maps in full.

    Args:
        content: The PNG.
        maps: Whether it is made of maps and their colour bars, which get even steps of their own colours; lines and
            letters get those colours that fit best.
    """
    if len(content) <= HEAVY:
        return content
    stream = io.BytesIO()
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    palette = _palette() if maps else None
    picture.quantize(256, palette=palette, dither=Image.Dither.NONE).save(stream, "PNG", optimize=True)
    return min(content, stream.getvalue(), key=len)


@cache
def _palette() -> Image.Image:
    """Colours of the maps, of the errors, and greys for letters and lines."""
    greys = [level for step in range(GREYS) for level in [round(255 * step / (GREYS - 1))] * 3]
    steps = (256 - GREYS) // 2
    image = Image.new("P", (1, 1))
    image.putpalette([*colours_of(COLOURS, steps), *colours_of(ERRORS, steps), *greys])
    return image
