"""Reading of bundles for a site.

Invariant: the order of the bundles on the command line does not matter, and a bundle that cannot be read is an error:
no entry disappears from a board unnoticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fwibench.errors import DataError
from fwibench.files.atomic import sha256
from fwibench.report.site.entries import Entry, Submission
from fwibench.runs.bundles.layout import SUFFIX
from fwibench.runs.bundles.reading import bundles_at, open_bundle


def find_bundles(paths: Sequence[Path]) -> list[Path]:
    """Return the bundles that paths name: files, and all bundles in folders and below.

    Args:
        paths: Files and folders.

    Raises:
        DataError: A path does not exist, or a folder holds no bundle.
    """
    found: list[Path] = []
    for path in paths:
        here = bundles_at(path)
        if not here:
            raise DataError(f"{path} holds no bundle (*{SUFFIX})", "fwibench bundle RUN... -o NAME.zip writes one")
        found += here
    return found


def read_entries(paths: Sequence[Path]) -> list[Entry]:
    """Read the entries of bundles, in the order of submission; of equal files one counts.

    Args:
        paths: Files and folders.

    Raises:
        FwibenchError: A bundle is absent, damaged or hostile.
    """
    files: dict[str, Path] = {}
    for path in find_bundles(paths):
        files.setdefault(sha256(path) if path.is_file() else "", path)
    entries = [entry for digest, path in files.items() for entry in _read(path, digest)]
    return sorted(entries, key=lambda entry: entry.order)


def _read(path: Path, digest: str) -> list[Entry]:
    bundle = open_bundle(path)
    about = bundle.manifest
    submission = Submission(path.name, digest, about.moment, about.fwibench, about.rounding)
    return [
        Entry(
            record=one.record,
            scores=one.scores,
            metrics=one.about.metrics,
            left_out=one.about.left_out,
            rounding=one.about.rounding,
            submission=submission,
            predictions=one.predictions,
        )
        for one in bundle.entries
    ]
