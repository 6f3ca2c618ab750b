"""Options that every dataset has: how its measurements are spoiled on reading, and where original files lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, BaseModel, Field, model_validator

from fwibench.problem import Frozen


class _Place:
    """Marks an annotation of a path."""


def _anchor(path: Path) -> Path:
    # Path.expanduser raises where the user is unknown
    return Path(os.path.expanduser(path)).absolute()


DataPath = Annotated[Path, AfterValidator(_anchor), _Place()]
"""A file or folder of the user: `~` is expanded and the path made absolute when options are read, so that a run can be
made again from another folder. Fields of this type are no part of a stored dataset's fingerprint: what the files hold
counts, see `StoredDataset.files`."""


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

    path: DataPath | None = Field(
        default=None, description="original files: a file or a folder; None for synthetic ones"
    )
    axes: Literal["zx", "xz"] | None = Field(
        default=None, description="order of the axes in original files: zx has depth first; None for the usual order"
    )

    @model_validator(mode="after")
    def _axes_of_files(self) -> FilesOptions:
        if self.axes is not None and self.path is None:
            raise ValueError(f"axes={self.axes} is the order in original files, and path is not given")
        return self


ON_READING = frozenset(DatasetOptions.model_fields)
"""Options that do not change what is stored."""
FROM_FILES = frozenset(FilesOptions.model_fields) - ON_READING
"""Options that say where original files lie and how they are read."""


def path_fields(model: type[BaseModel]) -> set[str]:
    """Names of the fields of a model that are a `DataPath`, optional ones included."""
    return {
        name
        for name, field in model.model_fields.items()
        if any(isinstance(one, _Place) for one in field.metadata) or _holds_place(field.annotation)
    }


def _holds_place(annotation: Any) -> bool:
    return isinstance(annotation, _Place) or any(
        _holds_place(one) for one in (*get_args(annotation), *getattr(annotation, "__metadata__", ()))
    )
