"""What a dataset says of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fwibench.datasets.options import DatasetOptions
from fwibench.specs import Spec

Profile = Literal["smoke", "quick", "paper"]
Source = Literal["synthetic", "files"]
PROFILES: tuple[Profile, ...] = ("smoke", "quick", "paper")


class DatasetSpec(Spec):
    """Spec of a dataset; `target` makes a `fwibench.datasets.dataset.Dataset` from (spec, options, profile)."""

    options: type[DatasetOptions] = Field(default=DatasetOptions, description="model of the options, its variants")
    source: Source = Field(description="made by this suite, or somebody's original files, unless its options say else")
    measurements: Literal["seismic", "em"] = Field(description="kind of measurement")
    schemes: tuple[str, ...] = Field(
        default=("random",), min_length=1, description="split schemes; the first is the default"
    )
    licence: str = Field(default="", description="of the data; empty for samples that this suite makes")
    caveats: tuple[str, ...] = Field(default=(), description="what to know before results are trusted")
