"""Bundles with changes, as somebody might make them with a text editor and a few lines of code."""

import hashlib
import json
import zipfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from fwibench.runs.artefacts.cell import Cell


@dataclass
class Draft:
    """The first entry of a bundle, to be changed.

    Attributes:
        manifest: The manifest.
        record: Its record.
        table: Lines of its scores, split at commas; the first one is the header.
        codes: Its predictions, or the bytes that take their place.
        rest: Other members.
    """

    manifest: dict[str, Any]
    record: dict[str, Any]
    table: list[list[str]]
    codes: Any
    rest: dict[str, bytes] = field(default_factory=dict)

    @property
    def about(self) -> dict[str, Any]:
        return self.manifest["entries"][0]

    def set_score(self, metric: str, sample: int, value: float) -> None:
        self.table[1 + sample][self.table[0].index(metric)] = repr(value)

    def set_maps(self, maps: np.ndarray) -> None:
        """Replace the predictions by maps with few digits, and keep offset and scale."""
        self.codes = np.rint((maps - self.about["offset"]) / self.about["scale"]).clip(0, 65535).astype(np.uint16)


def load(path: Path) -> Draft:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("bundle.json"))
    folder = f"entries/{manifest['entries'][0]['key']}"
    record, table, codes = (
        members.pop(f"{folder}/{name}") for name in ("record.json", "scores.csv", "predictions.npy")
    )
    lines = [line.split(",") for line in table.decode().splitlines()]
    return Draft(manifest, json.loads(record), lines, np.load(BytesIO(codes)), members)


def save(draft: Draft, path: Path, *, key: bool = True) -> Path:
    """Write a draft with the hashes that its members have now.

    Args:
        draft: The draft.
        path: The bundle.
        key: Whether its entry gets the key of its cell.
    """
    if key:
        draft.about["key"] = Cell.model_validate(draft.record["cell"]).key
    maps = BytesIO()
    if isinstance(draft.codes, bytes):
        maps.write(draft.codes)
    else:
        np.save(maps, draft.codes, allow_pickle=True)
    folder = f"entries/{draft.about['key']}"
    members = {
        f"{folder}/record.json": json.dumps(draft.record).encode(),
        f"{folder}/scores.csv": "".join(",".join(line) + "\n" for line in draft.table).encode(),
        f"{folder}/predictions.npy": maps.getvalue(),
        **draft.rest,
    }
    draft.manifest["files"] = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in members.items()
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {"bundle.json": json.dumps(draft.manifest).encode(), **members}.items():
            archive.writestr(name, content)
    return path
