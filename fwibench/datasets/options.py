"""Options that every dataset has: how its measurements are spoiled on reading, and where original files lie."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from fwibench.problem import Frozen


class DatasetOptions(Frozen):
    """Variants of a dataset that need no other samples on disk."""

    snr: float | None = Field(default=None, description="white noise is added to this signal-to-noise ratio [dB]")
    missing_traces: float = Field(default=0.0, ge=0, lt=1, description="share of traces that are set to zero")
    noisy: Literal["all", "test"] = Field(default="all", description="splits that are spoiled")


class FilesOptions(DatasetOptions):
    """Options of a dataset whose originals a user may have."""

    path: Path | None = Field(default=None, description="original files: a file or a folder; None for synthetic ones")


ON_READING = frozenset(DatasetOptions.model_fields)
"""Options that do not change what is stored."""
