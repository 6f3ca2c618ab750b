"""Records without the paths and addresses of the machine that made them."""

from __future__ import annotations

import re
from typing import Any

from fwibench.runs.artefacts.record import Record

NAME = r"[^\s'\"=,;:()\[\]/\\]"
FOLDERS = re.compile(rf"(?<![\w.:/\\-])(?:~|[A-Za-z]:)?[/\\]+(?:{NAME}+[/\\]+)+(?={NAME})")
"""Folders of an absolute path; not the slashes of units, fractions and web addresses."""
ADDRESS = re.compile(r"\b(?:tcp|tls|ucx|wss?)://[^\s'\",]+")
"""Address of a scheduler of a cluster."""


def without_paths(record: Record) -> Record:
    """Return a record in which absolute paths are replaced by their last name.

    The path of a dataset is left out: its fingerprint says which files it is of. An option of a method that names a
    file keeps the name of the file, so the key of the record may change.

    Args:
        record: The record.
    """
    content = _clean(record.model_dump(mode="json"))
    cell = content["cell"]
    for one in (cell, cell["tested_on"] or {}):
        one.get("dataset_options", {}).pop("path", None)
    return Record.model_validate(content)


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _clean(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return clean_text(value) if isinstance(value, str) else value


def clean_text(text: str) -> str:
    """Return a text in which absolute paths are replaced by their last name, and addresses of clusters left out."""
    return FOLDERS.sub("", ADDRESS.sub("ADDRESS", text))
