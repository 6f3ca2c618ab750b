"""Options of full waveform inversion; light, so that listing methods imports nothing."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from fwibench import Frozen

AUTO = {"auto": (1 / 6, 1 / 4, 5 / 12, 2 / 3), "upper": (5 / 12, 2 / 3)}
"""Corners of bands over the source's peak frequency, by name; the full band follows."""
POOR = 0.15
"""Misfit at the start of a band from which on the model may be far off."""
Order = Literal[2, 4, 6, 8]
"""Orders in space that deepwave has."""


class InversionOptions(Frozen):
    """How a model is fitted to the shots of one sample."""

    bands: str = Field(
        default="auto",
        description="upper corners [Hz] from low to high, as 3/6/full; auto: 1/6, 1/4, 5/12 and 2/3 of the "
        "source's frequency, then full; upper: without the first two",
    )
    iterations: int = Field(default=300, ge=1, description="of each band")
    optimiser: Literal["adam", "l-bfgs-b"] = Field(default="adam", description="how the model is updated")
    shots: int | None = Field(default=2, ge=1, description="of an iteration of Adam, drawn anew; None: all")
    step: float | None = Field(
        default=None,
        gt=0,
        description="first step of Adam in the first band [property's unit]; falls to a quarter in each band, and to "
        "0.7 from band to band. None: 200, or 0.4 of the error on val of a start from the train split if that is less",
    )
    damping: float = Field(
        default=1e-12,
        ge=0,
        description="slope of the misfit [1/property's unit] below which Adam hardly moves a node; a weak one is about "
        "1e-8, and a good start is kept where the data see little",
    )
    poor: float | None = Field(
        default=None,
        ge=0,
        description="misfit at the start of a band from which on its first step is taken whole; a smaller one shortens "
        "it by its square root. 0: always whole; None: 0.15, or 0 for a start from the train split",
    )
    blur: float = Field(
        default=0.06,
        ge=0,
        description="standard deviation of the Gaussian that updates of a band are blurred by, over the wavelength at "
        "its corner; the full band is not",
    )
    illumination: float = Field(
        default=0.004,
        ge=0,
        description="updates fade out where a bump of a twentieth of the property's range would change the data by "
        "less than this share; 0: update every node",
    )
    explained: float = Field(
        default=0.01,
        ge=0,
        description="bands whose data the start explains up to this misfit are left out, except the last; 0: none is",
    )
    holdout: int = Field(
        default=1,
        ge=0,
        description="shots of each band that are not fitted: if their misfit rises, the band is undone. 0: none; none "
        "either for surveys of fewer than four shots",
    )
    misfit: Literal["l2", "envelope", "correlation"] = Field(
        default="l2", description="what is compared: traces, their envelopes, or their shape trace by trace"
    )
    gain: float = Field(default=1.0, ge=0, description="traces are multiplied by this power of time")
    mute: float = Field(default=2.0, ge=0, description="traces nearer to their source than these cells are left out")
    taper: float = Field(default=2.0, ge=0, description="cells around sources and receivers where updates fade out")
    tv: float = Field(default=0.005, ge=0, description="weight of the map's total variation; a third from band to band")
    decrease: float = Field(default=0.005, ge=0, description="weight of decreases with depth, as under salt")
    tikhonov: float = Field(default=0.0, ge=0, description="weight of the map's squared gradient; relaxed as tv is")
    wavelet: Literal["known", "estimated"] = Field(
        default="known", description="the survey's own, or fitted to the shots at the start of every band"
    )
    accuracy: Order | None = Field(
        default=None,
        description="order of the simulation; None: 4 where waves are long, 6 where short; never the data's",
    )
    warp: int = Field(
        default=0, ge=0, description="iterations of each band by which the start is bent before its nodes are changed"
    )
    warp_points: int = Field(default=10, ge=2, description="control points of the bending along the longer side")
    stiffness: float = Field(default=4e-4, ge=0, description="weight of the bending's mean squared strain")
    seconds: float | None = Field(default=None, gt=0, description="budget of a sample [s]; None for none")

    def poor_misfit(self) -> float:
        """What `poor` is where it is not given."""
        return POOR if self.poor is None else self.poor

    @field_validator("bands")
    @classmethod
    def _known(cls, text: str) -> str:
        if text not in AUTO:
            parse_bands(text)
        return text


class StartOptions(InversionOptions):
    """Options of an inversion that starts from the train split, from the data or from a file."""

    start: Literal["train-mean", "train-gradient", "gradient"] | Path = Field(
        default="train-mean",
        description="the mean training map; train-gradient: the linear increase over depth that fits it best; "
        "gradient: the linear increase that fits the data best, without training; or an .npy file of one map",
    )
    v0: float | None = Field(
        default=None, gt=0, description="of start=gradient: value at depth 0 [property's unit]; None: fits the data"
    )
    k: float | None = Field(
        default=None, description="of start=gradient: increase with depth [property's unit per metre]; None: fits"
    )

    def poor_misfit(self) -> float:
        """How far off a start from the train split is was measured, so the data need not tell it."""
        from_train = self.start in ("train-mean", "train-gradient")
        return 0.0 if self.poor is None and from_train else super().poor_misfit()

    @field_validator("start")
    @classmethod
    def _a_map(cls, start: str | Path) -> str | Path:
        if not isinstance(start, Path):
            return start
        if start.suffix != ".npy":
            raise ValueError(f"'{start}' is not train-mean, train-gradient, gradient or the name of an .npy file")
        # a record must mean the same file from every folder
        return start.expanduser().absolute()


class GoodStartOptions(InversionOptions):
    """Options of an inversion whose start is worth keeping where the data see little."""

    step: float | None = Field(default=40.0, gt=0, description="as in an inversion from a worse start, and shorter")
    poor: float | None = Field(
        default=0.0, ge=0, description="as in an inversion from a worse start; the step is whole"
    )
    blur: float = Field(default=0.0, ge=0, description="as in an inversion from a worse start; updates are not blurred")
    damping: float = Field(default=1e-8, ge=0, description="as in an inversion from a worse start, and larger")
    tv: float = Field(default=0.003, ge=0, description="weight of the map's total variation; a third from band to band")
    decrease: float = Field(default=0.0, ge=0, description="weight of decreases with depth, as under salt")


class OracleOptions(GoodStartOptions):
    """Options of an inversion that starts from the truth, smoothed."""

    smoothing: float = Field(default=100.0, gt=0, description="standard deviation of the Gaussian [m]")


def parse_bands(text: str) -> tuple[float | None, ...]:
    """Corners [Hz] of `3/6/full`; None is the full band.

    Raises:
        ValueError: It is not such a list, from low to high.
    """
    corners = tuple(None if part == "full" else float(part) for part in text.split("/"))
    numbers = [corner for corner in corners if corner is not None]
    rising = all(low < high for low, high in pairwise(numbers))
    if not rising or any(corner <= 0 for corner in numbers) or None in corners[:-1]:
        raise ValueError(f"bands are '{text}', expected corners from low to high such as 3/6/full")
    return corners
