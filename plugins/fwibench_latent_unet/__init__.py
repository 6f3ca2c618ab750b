"""The plugin of the Latent U-Net: spec and options; the network is imported when it is built."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from fwibench_baselines import Log, SquaredWeight
from pydantic import Field

from fwibench import MethodSpec, Problem, TrainingOptions, hookimpl
from fwibench.specs.method import BatchSize, Epochs, FirstMoment
from fwibench_latent_unet.published import PUBLISHED

Arrangement = Literal["channels", "image"]
Skips = Literal["crop", "resize"]

LEVELS = 2
"""How often the U-Net halves the latent image; option `unet_depth` of the authors' scripts."""


class LatentUNetOptions(TrainingOptions):
    """Options of the Latent U-Net; the defaults are those of the authors' scripts, but for the loss.

    The U-Net has 17.9 million parameters with `repeat=1` and 34.7 million with `repeat=2`, the two published sizes. The
    number grows with the square of `channels`: 1.1 million with `channels=32`.
    """

    epochs: Epochs = 450
    batch_size: BatchSize = 50
    beta1: FirstMoment = 0.9
    weight_decay: float = Field(default=0.0, ge=0, description="decoupled weight decay")
    channels: int = Field(default=128, ge=1, description="channels of the latent image; doubled at each level below")
    repeat: int = Field(
        default=1, ge=1, description="pairs of convolutions at each level of the U-Net; twice as many at the lowest"
    )
    latent: int | None = Field(
        default=None,
        ge=2**LEVELS,
        description="longest side of the latent image [nodes], which has the proportions of the map; None, or a number "
        "above that of the map: the map's shape",
    )
    arrangement: Arrangement = Field(
        default="channels",
        description="how shots enter the network: as channels, or side by side in one image whose blocks are folded "
        "onto the nodes of the latent image",
    )
    skips: Skips = Field(
        default="crop",
        description="how an upsampled image meets the skipped one: doubled and cropped or padded about the centre, as "
        "published, or resized",
    )
    log: Log = False
    l2_weight: SquaredWeight = 0.0

    def latent_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Return the shape of the latent image, `(rows, columns)`.

        Args:
            shape: Shape `(Z, X)` of the map.
        """
        longest = max(shape)
        if self.latent is None or self.latent >= longest:
            return shape
        return round(shape[0] * self.latent / longest), round(shape[1] * self.latent / longest)

    def refusal(self, problem: Problem) -> str:
        """Return why these options do not suit a problem; empty if they do.

        Args:
            problem: The problem.
        """
        if problem.survey.kind == "em" and self.log:
            return "log=True has no effect on em data, whose scaling is set by the problem"
        rows, columns = self.latent_shape(problem.grid.shape)
        if min(rows, columns) < 2**LEVELS:
            return f"a latent image of {rows} x {columns} nodes cannot be halved {LEVELS} times; raise latent"
        return ""


SPEC = MethodSpec(
    name="latent-unet",
    summary="encoder to a latent image, U-Net and decoder (ICLR 2025)",
    reference="Zeng et al., A Unified Framework for Forward and Inverse Problems in Subsurface Imaging using Latent "
    "Space Translations, ICLR 2025, arXiv 2410.11247",
    target="fwibench_latent_unet.method:LatentUNet",
    kind="learned",
    options=LatentUNetOptions,
    profiles={
        "smoke": {"epochs": 2, "batch_size": 8, "channels": 8},
        "quick": {
            "epochs": 1000,
            "max_batches": 1000,
            "batch_size": 8,
            "channels": 32,
            "latent": 128,
            "schedule": "one-cycle",
            "l2_weight": 0.0,
        },
        "paper": {"min_batches": 216000, "schedule": "one-cycle", "l2_weight": 1.0},
    },
    measurements=("seismic", "em"),
    devices=("cpu", "cuda"),
    published=PUBLISHED,
)


@hookimpl
def fwibench_methods() -> Iterable[MethodSpec]:
    """Return the spec of the Latent U-Net."""
    return [SPEC]
