"""Options of full waveform inversion, and the constants that their descriptions state.

Listing methods imports this module, so it imports neither torch nor SciPy.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from fwibench import Frozen
from fwibench_baselines.fwi.grids import FEWEST, LARGEST_FACTOR

AUTO = {"auto": (1 / 6, 1 / 4, 5 / 12, 2 / 3), "upper": (5 / 12, 2 / 3)}
"""Corners of bands over the source's peak frequency, by name; the full band follows."""
DIGITS = 3
"""Significant digits of a corner that is derived from the peak frequency of the source."""
STEP = 200.0
"""First step of Adam [property's unit] where the error of the start is not known."""
STEP_SHARE = 0.4
"""First step of Adam over the mean absolute error of the start on val, where that is known."""
SHORTENING = 0.7
"""Ratio of the first steps of one band and the band before."""
LAST_STEP = 0.25
"""Ratio of the last and the first step of a band."""
RELAXATION = 1 / 3
"""Ratio of the weights of total variation and squared gradient of one band and the band before: these penalties fill in
what low frequencies leave open."""
POOR = 0.15
"""Misfit at the start of a band from which on the model may be far from the truth."""
FEWEST_SHOTS = 4
"""Smallest number of shots of a survey from which some are held out to judge a band."""
CHECKED = 10
"""Iterations between two simulations of the held-out shots, where they decide when a band stops."""
Order = Literal[2, 4, 6, 8]
"""Orders of finite differences in space that deepwave has."""


def _fraction(value: float) -> str:
    return str(Fraction(value).limit_denominator(100))


_CORNERS = ", ".join(map(_fraction, AUTO["auto"]))
_RELAXED = f"times {_fraction(RELAXATION)} from band to band"

# types of options that other methods give another default
Bands = Annotated[
    str,
    Field(
        description=f"upper corners [Hz] from low to high, such as 3/6/full; auto: {_CORNERS} of the source's peak "
        "frequency, then full; upper: auto without the first two"
    ),
]
Iterations = Annotated[int, Field(ge=1, description="iterations of each band")]
ShotsAtOnce = Annotated[
    int | None, Field(ge=1, description="number of shots of an iteration of Adam, chosen at random; None: all")
]
FirstStep = Annotated[
    float | None,
    Field(
        gt=0,
        description=f"first step of Adam in the first band [property's unit]; falls to {LAST_STEP:g} of it within a "
        f"band and by a factor of {SHORTENING:g} from band to band. None: {STEP:g}, or {STEP_SHARE:g} of the error on "
        "val of a start from the train split if that is less",
    ),
]
Damping = Annotated[
    float,
    Field(
        ge=0,
        description="gradient of the misfit [1/property's unit] below which Adam hardly changes a node; a weak one is "
        "about 1e-8, so 1e-8 keeps the start where the data see little",
    ),
]
PoorMisfit = Annotated[
    float | None,
    Field(
        ge=0,
        description="misfit at the start of a band from which on its first step is taken whole; a smaller misfit "
        f"shortens the step by its square root. 0: always whole; None: {POOR:g}, or 0 for a start from the train split",
    ),
]
Blur = Annotated[
    float,
    Field(
        ge=0,
        description="standard deviation of the Gaussian that blurs the updates of a band, over the wavelength at its "
        "corner; the full band is not blurred",
    ),
]
TotalVariation = Annotated[float, Field(ge=0, description=f"weight of the map's total variation; {_RELAXED}")]
Decrease = Annotated[float, Field(ge=0, description="weight of decreases of the property with depth, as under salt")]
Warp = Annotated[
    int, Field(ge=0, description="iterations of each band that bend the start before nodes are changed; 0: no bending")
]


class InversionOptions(Frozen):
    """Options of the fit of a model to the shots of one sample."""

    bands: Bands = "auto"
    iterations: Iterations = 200
    optimiser: Literal["adam", "l-bfgs-b"] = Field(default="adam", description="optimiser of each band")
    shots: ShotsAtOnce = 2
    step: FirstStep = None
    damping: Damping = 1e-12
    poor: PoorMisfit = None
    blur: Blur = 0.06
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
        description="shots of each band that are held out: if their misfit rises, the band is undone. 0: none; surveys "
        f"of fewer than {FEWEST_SHOTS} shots hold out none",
    )
    stop: Literal["end", "held-out"] = Field(
        default="end",
        description="model that a band ends with: the last one, or, of every "
        f"{CHECKED}th iteration and the last one, the one with the lowest misfit of the held-out shots",
    )
    misfit: Literal["l2", "envelope", "correlation"] = Field(
        default="l2", description="difference of traces, of their envelopes, or of the shape of each trace"
    )
    gain: float = Field(default=1.0, ge=0, description="traces are multiplied by this power of time")
    mute: float = Field(default=2.0, ge=0, description="offset below which traces are left out [cells]")
    taper: float = Field(
        default=2.0, ge=0, description="radius around sources and receivers where updates fade out [cells]"
    )
    tv: TotalVariation = 0.005
    decrease: Decrease = 0.02
    tikhonov: float = Field(default=0.0, ge=0, description=f"weight of the map's squared gradient; {_RELAXED}")
    wavelet: Literal["known", "estimated"] = Field(
        default="known", description="source wavelet: that of the survey, or fitted to the shots before every band"
    )
    accuracy: Order | None = Field(
        default=None,
        description="order of the simulation in space; None: 4 for long waves or 6 for short ones, but not the data's",
    )
    nodes: float = Field(
        default=6,
        ge=0,
        description="smallest number of nodes in the shortest wavelength of a band, twice its corner; its grid is as "
        f"coarse as this allows, at most {LARGEST_FACTOR} times that of the data, with at least {FEWEST} nodes along "
        "the shorter side. 0: all bands on the grid of the data, as under a free surface",
    )
    warp: Warp = 0
    warp_points: int = Field(default=10, ge=2, description="control points of the bending along the longer side")
    stiffness: float = Field(default=4e-4, ge=0, description="weight of the mean squared strain of the bending")
    seconds: float | None = Field(default=None, gt=0, description="time budget of a sample [s]; None: no limit")

    def poor_misfit(self) -> float:
        """Return `poor`, or its default where it is None."""
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
        description="start model; train-mean: the mean training map; train-gradient: the linear increase with depth "
        "that fits it best; gradient: the linear increase that fits the data best, without training; or an .npy file",
    )
    v0: float | None = Field(
        default=None, gt=0, description="start=gradient: value at depth 0 [property's unit]; None: fitted to the data"
    )
    k: float | None = Field(
        default=None,
        description="start=gradient: increase with depth [property's unit per metre]; None: fitted to the data",
    )

    def poor_misfit(self) -> float:
        """Return `poor`, or its default where it is None: 0 where the error of the start was measured on val."""
        from_train = self.start in ("train-mean", "train-gradient")
        return 0.0 if self.poor is None and from_train else super().poor_misfit()

    @field_validator("start")
    @classmethod
    def _a_map(cls, start: str | Path) -> str | Path:
        if not isinstance(start, Path):
            return start
        if start.suffix != ".npy":
            raise ValueError(f"'{start}' is not train-mean, train-gradient, gradient or the name of an .npy file")
        # a record must name the same file from every working directory
        return start.expanduser().absolute()


class GoodStartOptions(InversionOptions):
    """Options of an inversion from a good start, which is kept where the data see little."""

    step: FirstStep = 40.0
    poor: PoorMisfit = 0.0
    blur: Blur = 0.0
    damping: Damping = 1e-8
    tv: TotalVariation = 0.003
    decrease: Decrease = 0.0


class OracleOptions(GoodStartOptions):
    """Options of an inversion that starts from the smoothed truth."""

    smoothing: float = Field(
        default=100.0, gt=0, description="standard deviation of the Gaussian that smooths the truth [m]"
    )


def parse_bands(text: str) -> tuple[float | None, ...]:
    """Return the corners [Hz] that a text such as `3/6/full` lists; None is the full band.

    Raises:
        ValueError: The text is not a list of corners from low to high.
    """
    corners = tuple(None if part == "full" else float(part) for part in text.split("/"))
    numbers = [corner for corner in corners if corner is not None]
    rising = all(low < high for low, high in pairwise(numbers))
    if not rising or any(corner <= 0 for corner in numbers) or None in corners[:-1]:
        raise ValueError(f"bands are '{text}', expected corners from low to high such as 3/6/full")
    return corners


def corners_of(bands: str, frequency: float) -> tuple[float | None, ...]:
    """Return the corners [Hz] that bands ask for; None is the full band.

    Args:
        bands: See `InversionOptions.bands`.
        frequency: Peak frequency of the source [Hz].

    Raises:
        ValueError: See `parse_bands`.
    """
    if bands not in AUTO:
        return parse_bands(bands)
    return (*(float(f"{frequency * part:.{DIGITS}g}") for part in AUTO[bands]), None)
