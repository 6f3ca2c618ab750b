"""The folder of a site.

Invariant: only files that a former site wrote are replaced or removed, and the list of them is written before them, so
an interrupted site can be written again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import Field

from fwibench.errors import UsageError
from fwibench.files.atomic import check_folder, reading, write_text, writing
from fwibench.problem import Frozen
from fwibench.version import __version__

LIST = "fwibench-site.json"
"""File that makes a folder a site."""
NAME = re.compile(r"([a-z]+/)?[a-z0-9][a-z0-9.~-]*\.(html|css|js|csv|json)")
"""Names of the files of a site, relative to its folder."""


class Files(Frozen):
    """The list of files of a site."""

    fwibench: str = Field(description="version that wrote the site")
    files: tuple[str, ...] = Field(description="names of all files, relative to the folder")


def check_site(folder: Path) -> list[str]:
    """Return the files of a former site in a folder, which is new, empty or a site.

    Args:
        folder: The folder.

    Raises:
        UsageError: The folder holds anything else, or is a file.
        DataError: The folder cannot be written, or its list of files cannot be read.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, expected a folder for the pages", "-o site")
    path = folder / LIST
    if not path.is_file():
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(
                f"{folder} is not empty and is no site that fwibench board wrote: it has no {LIST}",
                "name a new or empty folder with -o",
            )
        check_folder(folder)
        return []
    with reading(path, "the list of files of a site", "name a new folder with -o"):
        names = Files.model_validate_json(path.read_bytes()).files
    return [name for name in names if NAME.fullmatch(name)]


def write_site(folder: Path, files: Mapping[str, str]) -> int:
    """Write a site, and remove the files of a former one that it does not have.

    Args:
        folder: The folder, see `check_site`.
        files: Contents by name, relative to the folder.

    Returns:
        Size of all files [bytes].

    Raises:
        UsageError: See `check_site`.
        DataError: A file cannot be written.
    """
    former = check_site(folder)
    _write_list(folder, {*former, *files})
    size = 0
    for name, text in files.items():
        content = text.encode()
        size += len(content)
        with writing(folder / name):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
    for name in former:
        if name not in files:
            with writing(folder / name):
                (folder / name).unlink(missing_ok=True)
    return size + _write_list(folder, files)


def _write_list(folder: Path, names: Iterable[str]) -> int:
    text = Files(fwibench=__version__, files=tuple(sorted(names))).model_dump_json(indent=1) + "\n"
    write_text(folder / LIST, text)
    return len(text.encode())
