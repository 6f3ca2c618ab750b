"""Options that every dataset has: how its measurements are spoiled on reading, and where original files lie."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from fwibench.problem import Frozen


class DatasetOptions(Frozen):
    """Variants of a dataset that need no other samples on disk.

    Attributes:
        added: Options that came after results were published; at their default they are no part of the identity.
    """

    added: ClassVar[frozenset[str]] = frozenset()

    snr: float | None = Field(default=None, description="white noise is added to this signal-to-noise ratio [dB]")
    missing_traces: float = Field(default=0.0, ge=0, lt=1, description="share of traces that are set to zero")
    simulator_noise: float = Field(
        default=0.0,
        ge=0,
        description="relative size of noise in train and val that stands for the differences between simulators",
    )
    noisy: Literal["all", "test"] = Field(default="all", description="splits that get snr and missing_traces")


class FilesOptions(DatasetOptions):
    """Options of a dataset whose originals a user may have."""

    path: Path | None = Field(default=None, description="original files: a file or a folder; None for synthetic ones")


class SaltOptions(FilesOptions):
    """Options of the salt dataset."""

    added = frozenset({"volume"})

    volume: Literal["large", "realistic"] = Field(
        default="large", description="synthetic salt: a quarter of the area, or 5 % as in SEG/EAGE slices"
    )


ON_READING = frozenset(DatasetOptions.model_fields)
"""Options that do not change what is stored."""
