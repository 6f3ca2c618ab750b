"""Figures of the page as data URIs.

Invariant: a figure that cannot be drawn does not affect the others, and is a line of the faults.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image

from fwibench.errors import DataError
from fwibench.plugins.isolation import describe
from fwibench.report.canvas import as_uri
from fwibench.report.figures.drawing import Drawing, render
from fwibench.report.figures.kinds import KINDS, list_drawings
from fwibench.report.figures.panels import ERRORS
from fwibench.report.page.images import colours_of
from fwibench.report.pictures import COLOURS
from fwibench.report.sources import Sources

OF_SAMPLES = ("panels",)
"""Kinds that show samples of datasets."""
HEAVY = 200_000
"""Bytes beyond which an SVG is replaced by a PNG, and a PNG gets a palette."""
GREYS = 32
"""Greys of a palette; half of its other colours are those of maps, half those of errors."""
BROAD = 1.5
"""Ratio of width to height from which a figure takes a whole row."""


@dataclass(frozen=True)
class Picture:
    """A figure in the page.

    Attributes:
        drawing: The figure.
        image: Data URI.
        width: Width on the screen [pixels].
        height: Height on the screen [pixels].
    """

    drawing: Drawing
    image: str
    width: int
    height: int

    @property
    def broad(self) -> bool:
        """Whether it needs the full width."""
        return self.width >= BROAD * self.height and self.width > 700


def list_pictures(sources: Sources, *, samples: bool) -> list[Picture]:
    """Return every figure that can be drawn.

    Args:
        sources: The results; figures that cannot be drawn are added to its faults.
        samples: Whether figures may show samples of datasets.
    """
    kinds = [kind for kind in KINDS if samples or kind not in OF_SAMPLES]
    # an empty list selects every kind
    return list(draw_pictures(sources, list_drawings(sources, kinds))) if kinds else []


def draw_pictures(sources: Sources, drawings: Sequence[Drawing]) -> Iterator[Picture]:
    """Draw figures for the page.

    Args:
        sources: Figures that cannot be drawn are added to its faults.
        drawings: The figures.
    """
    for drawing in drawings:
        try:
            yield _picture(drawing)
        except DataError as error:
            sources.add_fault(error.message)
        except Exception as error:
            sources.add_fault(f"figure {drawing.name} cannot be drawn: {describe(error)}")


def _picture(drawing: Drawing) -> Picture:
    """The figure as SVG if that is small, else as PNG."""
    # figures of samples are made of pixels anyway
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
    """Reduce a large PNG to 256 colours, a third of its size; the viewer has the maps in full.

    Args:
        content: The PNG.
        maps: Whether it consists of maps and their colour bars, which get even steps of their own colours; other
            figures get an adaptive palette.
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
    """Palette with the colours of maps and errors, and greys for letters and lines."""
    greys = [level for step in range(GREYS) for level in [round(255 * step / (GREYS - 1))] * 3]
    steps = (256 - GREYS) // 2
    image = Image.new("P", (1, 1))
    image.putpalette([*colours_of(COLOURS, steps), *colours_of(ERRORS, steps), *greys])
    return image
