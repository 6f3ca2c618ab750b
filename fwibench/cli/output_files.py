"""Checks of the files that a command will write, made before it starts to compute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fwibench.errors import UsageError
from fwibench.files.atomic import check_folder


def check_outputs(inputs: Mapping[str, Path], outputs: Mapping[str, tuple[Path | None, str]], *, force: bool) -> None:
    """Check that every output file can be written without losing another file.

    Args:
        inputs: Input files, by what they hold.
        outputs: Output files, each with the suffix it must have, by the option that names it; None if the option is
            not given.
        force: Whether existing output files may be replaced.

    Raises:
        UsageError: A name has another suffix, is an input or another output, or exists and `force` is not given.
        DataError: A folder cannot be written.
    """
    chosen = {option: (path, suffix) for option, (path, suffix) in outputs.items() if path is not None}
    for option, (path, suffix) in chosen.items():
        if path.suffix != suffix:
            raise UsageError(f"{option} is {path}, expected a name that ends with {suffix}")
        for what, source in inputs.items():
            if path.exists() and source.exists() and path.samefile(source):
                raise UsageError(f"{option} is the file of {what}, which would be lost", "choose another name")
        if path.is_dir() or (path.exists() and not force):
            raise UsageError(f"{path} exists", "choose another name" if path.is_dir() else "--force replaces it")
        check_folder(path.parent)
