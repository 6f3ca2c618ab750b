"""What a dataset says of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from fwibench.specs import NoOptions, Spec

Profile = Literal["smoke", "quick", "paper"]
PROFILES: tuple[Profile, ...] = ("smoke", "quick", "paper")


class DatasetSpec(Spec):
    """Spec of a dataset; `target` is a subclass of `fwibench.datasets.dataset.Dataset`."""

    options: type[BaseModel] = NoOptions
    source: Literal["synthetic", "files"] = Field(description="made by this suite, or somebody's original files")
    measurements: Literal["seismic", "em"] = Field(description="kind of measurement")
    schemes: tuple[str, ...] = Field(default=("random",), description="split schemes; the first is the default")
