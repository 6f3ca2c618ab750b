"""Sizes of the network that depend on the shape of the map."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from fwibench_invlint import InvLINTOptions

Size = tuple[int, int]

EMBEDDING = 512
"""Number of kernels of the property (M) in table 8."""
COMPACT = 512
"""Least length of the compact embedding of Y, which is divided among the tokens, for shapes without published
results."""


@dataclass(frozen=True)
class Layout:
    """Sizes of the decoder for a map.

    Attributes:
        grid: Number of tokens along depth and x.
        block: Size of the block of a token along depth and x [nodes].
        centres: Number of kernels of the property along depth and x.
        channels: Number of channels of a token before the transformer (k).
        width: Number of channels of a token in the transformer.
        heads: Number of attention heads; a head has 32 channels.
        mlp: Number of hidden units of the transformer's MLP.
        positions: Standard deviation of the initial positions of tokens; with a high learning rate small ones make the
            first normalisation of a narrow transformer unstable.
        standardised: Whether the decoder receives Y less its mean and over its standard deviation, both of the train
            split. L1 could do the same; a narrow network learns faster if it need not, since the sections of one site
            differ little.
    """

    grid: Size
    block: Size
    centres: Size
    channels: int
    width: int = 256
    heads: int = 8
    mlp: int = 1024
    positions: float = 0.02
    standardised: bool = False

    @property
    def embedding(self) -> int:
        """Length of Y (M)."""
        return math.prod(self.centres)

    @property
    def tokens(self) -> int:
        """Number of tokens."""
        return math.prod(self.grid)


PUBLISHED_LAYOUTS: dict[Size, Layout] = {
    (70, 70): Layout(grid=(2, 2), block=(37, 37), centres=(23, 23), channels=128),
    (40, 60): Layout(grid=(1, 2), block=(49, 39), centres=(19, 28), channels=256),
    (401, 141): Layout(grid=(12, 4), block=(38, 38), centres=(39, 14), channels=12),
    (351, 601): Layout(
        grid=(11, 19),
        block=(35, 35),
        centres=(10, 10),
        channels=1,
        width=64,
        heads=2,
        mlp=256,
        positions=1.0,
        standardised=True,
    ),
}
"""Layouts with the published numbers of parameters, by shape of the map; the last one is that of the EM data."""


def layout(shape: Size, options: InvLINTOptions) -> Layout:
    """Return the layout of a map, with the sizes that the options set.

    For shapes without published results there is one token per 32 nodes, and a block extends the token's share of the
    map by 5 nodes.

    Args:
        shape: Shape `(Z, X)` of the map.
        options: Options of InvLINT; None leaves a size to the layout.
    """
    found = PUBLISHED_LAYOUTS.get(shape)
    if found is None:
        h, w = (max(round(length / 32), 1) for length in shape)
        block = (math.ceil(shape[0] / h) + 5, math.ceil(shape[1] / w) + 5)
        found = Layout((h, w), block, kernel_centres(shape, EMBEDDING), 4 * math.ceil(COMPACT / (4 * h * w)))
    named = {name: getattr(options, name) for name in ("width", "heads", "mlp")}
    given = {name: value for name, value in named.items() if value is not None}
    if options.embedding is not None:
        given["centres"] = kernel_centres(shape, options.embedding)
    return dataclasses.replace(found, **given)


def kernel_centres(shape: Size, embedding: int) -> Size:
    """Return the number of equally spaced kernel centres along depth and x, at least `embedding` in all.

    For 512 it is 23 x 23 on 70 x 70 nodes, 19 x 28 on 40 x 60, and 39 x 14 on 401 x 141. There are no more centres
    than nodes along an axis.
    """
    spacing = max(math.sqrt(shape[0] * shape[1] / embedding), 1.0)
    return math.ceil(shape[0] / spacing), math.ceil(shape[1] / spacing)
