"""Options of all datasets: disturbances on reading, the number of train samples, and original files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, BaseModel, Field, model_validator

from fwibench.problem import Frozen


class _PathMarker:
    """Marks the annotation of a path."""


def _make_absolute(path: Path) -> Path:
    # Path.expanduser raises where the user is unknown
    return Path(os.path.expanduser(path)).absolute()


DataPath = Annotated[Path, AfterValidator(_make_absolute), _PathMarker()]
"""Path of a file or folder of the user. `~` is expanded and the path made absolute when options are read, so that a run
can be repeated from another folder. Fields of this type are not part of the fingerprint of a stored dataset, which
depends on the content of the files; see `StoredDataset.files`."""


class DatasetOptions(Frozen):
    """Options of all datasets; they need no other samples on disk.

    Attributes:
        added: Options that were added after results were published; their default is not part of the identity.
    """

    added: ClassVar[frozenset[str]] = frozenset()

    snr: float | None = Field(
        default=None, description="signal-to-noise ratio of white noise that is added [dB]; None for no noise"
    )
    missing_traces: float = Field(default=0.0, ge=0, lt=1, description="share of traces that are set to zero")
    simulator_noise: float = Field(
        default=0.0,
        ge=0,
        description="relative size of noise in train and val that stands for differences between simulators",
    )
    wavelet_shift: float = Field(
        default=0.0,
        ge=-0.3,
        le=0.3,
        description="relative change of the source's peak frequency: 0.2 for 20 % higher; needs a Ricker wavelet",
    )
    time_shift: float = Field(
        default=0.0, description="shift of the time axis [s]: positive records later; seismic data only"
    )
    gain: float = Field(default=1.0, ge=1e-6, le=1e6, description="factor of all amplitudes")
    noisy: Literal["all", "test"] = Field(
        default="all", description="splits that snr, missing_traces, wavelet_shift, time_shift and gain apply to"
    )
    train_samples: int | None = Field(
        default=None,
        ge=1,
        description="number of train samples that are used; a smaller number selects some of those of a larger one; "
        "None for all",
    )


class FilesOptions(DatasetOptions):
    """Options of a dataset that reads original files instead of synthetic maps if `path` is set."""

    path: DataPath | None = Field(default=None, description="file or folder of original maps; None for synthetic ones")
    axes: Literal["zx", "xz"] | None = Field(
        default=None,
        description="order of axes in original files: zx has depth first; None for that of the dataset",
    )

    @model_validator(mode="after")
    def _axes_of_files(self) -> FilesOptions:
        if self.axes is not None and self.path is None:
            raise ValueError(f"axes={self.axes} is the order of axes in original files, but path is not given")
        return self


ON_READING = frozenset(DatasetOptions.model_fields)
"""Options that do not change the stored samples."""
DISTURBANCES = frozenset({"snr", "missing_traces", "wavelet_shift", "time_shift", "gain"})
"""Options that change the measurements of the splits that `noisy` selects."""
FROM_FILES = frozenset(FilesOptions.model_fields) - ON_READING
"""Options that select original files and their order of axes."""


def path_fields(model: type[BaseModel]) -> set[str]:
    """Return the names of the fields of a model that are a `DataPath` or an optional one."""
    return {
        name
        for name, field in model.model_fields.items()
        if any(isinstance(one, _PathMarker) for one in field.metadata) or _holds_path(field.annotation)
    }


def _holds_path(annotation: Any) -> bool:
    return isinstance(annotation, _PathMarker) or any(
        _holds_path(one) for one in (*get_args(annotation), *getattr(annotation, "__metadata__", ()))
    )
