"""Specs of datasets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fwibench.problem import Frozen
from fwibench.specs.base import Spec
from fwibench.specs.dataset_options import DatasetOptions

Profile = Literal["smoke", "quick", "paper"]
Source = Literal["synthetic", "files"]
PROFILES: tuple[Profile, ...] = ("smoke", "quick", "paper")
OTHER_SIMULATORS = (
    "what is learnt from simulated shots holds for shots of the same simulator: another absorbing layer or scheme "
    "costs accuracy; option `simulator_noise` adds noise to train and val, which makes up for a part of that at most"
)
"""Caveat of all datasets whose seismic measurements this suite simulates."""


class PublishedMaps(Frozen):
    """Statistics of published maps, defined in `fwibench.datasets.statistics`; None where unknown."""

    source: str = Field(min_length=1, description="maps and their publisher")
    count: int | None = Field(default=None, ge=1, description="number of maps that the statistics are of")
    mean: float | None = Field(default=None, description="mean of all nodes [unit of the property]")
    deviation: float | None = Field(default=None, description="standard deviation of all nodes [unit of the property]")
    layers: float | None = Field(default=None, description="steps of a column plus one, mean of all columns")
    median_jump: float | None = Field(default=None, description="median size of all steps [unit of the property]")
    gradients: tuple[float, ...] = Field(
        default=(), description="50th, 75th, 90th and 99th percentile of the change from node to node along depth"
    )
    above: float | None = Field(default=None, description="threshold of share_above, such as that of salt")
    share_above: float | None = Field(default=None, ge=0, le=1, description="share of the nodes above the threshold")


class DatasetSpec(Spec):
    """Spec of a dataset; `target` makes a `fwibench.datasets.base.Dataset` from (spec, options, profile)."""

    options: type[DatasetOptions] = Field(default=DatasetOptions, description="model of the options")
    source: Source = Field(description="made by this suite or original files; an option `path` makes it files")
    measurements: Literal["seismic", "em"] = Field(description="kind of measurement")
    schemes: tuple[str, ...] = Field(
        default=("random",), min_length=1, description="split schemes; the first is the default"
    )
    licence: str = Field(default="", description="licence of the data; empty for samples that this suite makes")
    published_maps: tuple[PublishedMaps, ...] = Field(
        default=(), description="published maps of the same kind, for comparison on the card"
    )
    caveats: tuple[str, ...] = Field(default=(), description="limits of results on the samples")
