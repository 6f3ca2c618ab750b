"""Identity of the files of a fitted model.

Invariant: two folders have the same hash exactly if they hold the same files with the same content.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from fwibench.errors import DataError
from fwibench.files.atomic import sha256


def model_sha256(folder: Path) -> str:
    """Return the SHA-256 over names and contents of the files of a fitted model.

    Args:
        folder: Folder of the model.

    Raises:
        DataError: The folder is missing.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is missing", "run the cell with --force, which fits the method again")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    content = json.dumps([(path.relative_to(folder).as_posix(), sha256(path)) for path in files])
    return hashlib.sha256(content.encode()).hexdigest()
