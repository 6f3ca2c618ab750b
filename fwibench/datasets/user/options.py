"""Options of `fwibench data add`, from the command line and from a TOML file.

The options file holds the options by name, with `-` or `_`; options of the command line override it:

    measurements = "data*.npy"           # patterns and files are relative to the options file
    properties = "model*.npy"
    spacing = 10.0
    dt = 0.001
    frequency = 15.0
    source-x = [0, 150, 300]             # or "0:300:3"

Invariant: every source of options is checked against one model, and an error names the option or the key.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from fwibench.datasets.readers.segy_headers import SUFFIXES
from fwibench.errors import UnknownNameError, UsageError
from fwibench.files.toml import check_value, read_toml
from fwibench.problem import Frozen

Positions = str | tuple[float, ...] | tuple[tuple[float, ...], ...]
"""`0,150,300` or `first:last:count`; positions; or a list of positions for every shot [m]."""
Depths = float | tuple[float, ...] | tuple[tuple[float, ...], ...]
"""One depth for all, one for each, or S lists of R depths where receivers move with the source [m]."""
ListText = Annotated[
    str, BeforeValidator(lambda value: ",".join(map(str, value)) if isinstance(value, list | tuple) else value)
]
"""Numbers separated by commas; a list of numbers is accepted as well."""
REPLACED = {
    "depth": ("source_depth", "receiver_depth"),
    "frequency": ("wavelet",),
    "wavelet": ("frequency", "delay"),
}
"""Options of a file that an option given later makes void."""


class SurveyOptions(Frozen):
    """Survey and physics of a user's data; None or an empty text where nothing is given."""

    spacing: float = Field(gt=0, description="grid spacing [m]")
    kind: Literal["seismic", "em"] = Field(default="seismic", description="kind of measurement")
    dt: float | None = Field(default=None, description="time step [s]")
    frequency: float | None = Field(default=None, description="peak frequency of the source [Hz]")
    delay: float | None = Field(default=None, description="time of the wavelet's peak [s]; moves that of a file")
    wavelet: str = Field(default="", description=".npy file of the source wavelet at time step dt, instead of a Ricker")
    frequencies: ListText = Field(default="", description="frequencies of em data [Hz], rising, separated by commas")
    source_x: Positions = Field(default="", description="positions of the sources [m]; empty: evenly spaced")
    receiver_x: Positions = Field(default="", description="positions of the receivers [m]; empty: evenly spaced")
    depth: float | None = Field(default=None, description="depth of sources and receivers [m]; 0 by default")
    source_depth: Depths | None = Field(default=None, description="depth of sources [m] where it is not depth")
    receiver_depth: Depths | None = Field(default=None, description="depth of receivers [m] where it is not depth")
    order: int | None = Field(default=None, description="order of the finite differences in space: 2, 4, 6 or 8")
    pml: int | None = Field(default=None, description="absorbing cells on each side")
    courant: float | None = Field(default=None, description="largest Courant number of an inner time step")
    free_surface: bool | None = Field(default=None, description="zero pressure on the plane one cell above row 0")
    source_scale: float | None = Field(default=None, description="recorded amplitude over the simulated one")


class AddOptions(SurveyOptions):
    """All options of `fwibench data add`."""

    name: str = Field(description="name of the new dataset")
    measurements: str = Field(description="files of measurements, a pattern such as 'data*.npy'")
    properties: str = Field(description="files of properties, a pattern such as 'model*.npy'")
    origin: ListText = Field(
        default="", description="X or X,Y of the first column [m], for coordinates in SEG-Y headers"
    )
    top: float | None = Field(default=None, description="elevation of the first row [m], for those in SEG-Y headers")
    shots_per_sample: int | None = Field(
        default=None, description="shots of a sample in SEG-Y files; by default those of source_x, or all of a file"
    )
    headers: bool = Field(default=True, description="use positions, delays and trace codes of SEG-Y headers")
    property: str = Field(default="velocity", description="name of the property")
    unit: str = Field(default="m/s", description="unit of the property")
    low: float | None = Field(default=None, description="lower bound of the property; that of the files by default")
    high: float | None = Field(default=None, description="upper bound of the property; that of the files by default")
    val: float | None = Field(default=None, description="val samples: a share below 1, or a number; 0.1 by default")
    test: float | None = Field(
        default=None, description="test samples: a share below 1, or a number; 0.1 by default, all of one or two"
    )
    split: Literal["random", "last"] = Field(default="random", description="shuffled, or the last samples are test")
    split_seed: int = Field(default=0, description="random seed of the shuffle")
    test_numbers: ListText = Field(default="", description="numbers of the test samples, such as 0,5,10:20")
    groups: ListText = Field(
        default="",
        description="samples that are not independent, such as steps of one simulation: `files` for those of one file, "
        "20 for every 20 in a row, or the name of each sample's group, separated by commas",
    )
    summary: str = Field(default="", description="one line for lists")
    licence: str = Field(default="", description="licence of the data")


FILES = ("measurements", "properties", "survey", "wavelet")
"""Options that name files, relative to the options file."""
KEYS = {name: field for name, field in AddOptions.model_fields.items() if name != "name"}


def make_options(values: Mapping[str, Any]) -> AddOptions:
    """Build the options from values by name; electromagnetic data are of conductivity in S/m by default.

    Raises:
        UsageError: A value has a wrong type or is not finite, or an option is missing.
    """
    usual = {"property": "conductivity", "unit": "S/m"} if values.get("kind") == "em" else {}
    try:
        return AddOptions.model_validate({**usual, **values})
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"--{option} is {first['input']!r}: {first['msg'].lower()}", "correct the option") from error


def override_options(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with `changes`; what an option makes void is left out, such as a wavelet by a frequency."""
    void = {name for option in changes for name in REPLACED.get(option, ())}
    return {name: value for name, value in values.items() if name not in void} | dict(changes)


def missing_options(values: Mapping[str, Any]) -> list[str]:
    """Return the names of the options that are needed and not among the values."""
    needed = ["measurements", "properties", "spacing"]
    if values.get("kind") == "em":
        needed += ["frequencies"]
    else:
        # SEG-Y files hold their time step
        needed += [] if str(values.get("measurements")).lower().endswith(SUFFIXES) else ["dt"]
        needed += [] if values.get("wavelet") else ["frequency"]
    return [name for name in needed if values.get(name) in (None, "")]


def read_options_file(path: Path) -> dict[str, Any]:
    """Read a TOML file of options.

    Args:
        path: The file; its keys are names of options, with `-` or `_`, and `survey` for a survey file.

    Returns:
        Values by name of option, checked one by one; patterns and files are made absolute.

    Raises:
        UsageError: The file cannot be read, or a key is unknown, given twice or of a wrong type.
    """
    path = path.expanduser()
    values: dict[str, Any] = {}
    for key, value in read_toml(path, "options").items():
        name = key.replace("-", "_")
        if name in values:
            raise UsageError(f"{path}: {key} is given twice", "leave one out")
        values[name] = _check_value(path, key, value)
    for name in FILES:
        if values.get(name):
            folder = str(path.parent.absolute())
            folder = glob.escape(folder) if name in ("measurements", "properties") else folder
            values[name] = str(Path(folder) / Path(values[name]).expanduser())
    return values


def _check_value(path: Path, key: str, value: Any) -> Any:
    name = key.replace("-", "_")
    annotation: Any = str
    meaning = "TOML file of grid, survey and physics"
    if name in KEYS:
        annotation = Annotated[KEYS[name].annotation, KEYS[name]]
        meaning = KEYS[name].description or ""
    elif name != "survey" and isinstance(value, dict):
        raise UsageError(f"{path}: [{key}] is a table, expected options", "a file with tables is given by --survey")
    elif name != "survey":
        error = UnknownNameError.among("option of data add", key, [*KEYS, "survey"])
        raise UsageError(f"{path}: {error.message}", error.hint)
    return check_value(str(path), key, value, annotation, meaning)
