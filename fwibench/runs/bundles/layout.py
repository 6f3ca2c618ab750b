"""The layout of a bundle: names of its members, and its manifest.

    bundle.json                        the manifest
    entries/KEY/record.json            record of the run of that key, without paths of the machine
    entries/KEY/scores.csv             scores of each test sample
    entries/KEY/predictions.npy        predicted maps of these samples, rounded to 16 bits

Invariant: every score of a bundle is that of the rounded maps in it, so it can be computed again from the bundle.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from fwibench.files.archives import ArchiveKind
from fwibench.problem import Frozen
from fwibench.runs.artefacts.record import Text
from fwibench.runs.bundles.rounding import ROUNDING

SUFFIX = ".zip"
SUFFIXES = (".json", ".csv", ".npy")
MEMBERS = ("record.json", "scores.csv", "predictions.npy")
"""Names of the members of an entry."""
MOST_ENTRIES = 300
KIND = ArchiveKind(
    name="bundle",
    suffix=SUFFIX,
    manifest="bundle.json",
    format=1,
    suffixes=SUFFIXES,
    # nothing is compressed, so a bundle takes no more memory than it has bytes
    stored=SUFFIXES,
    most_members=1 + MOST_ENTRIES * len(MEMBERS),
    most_bytes=2**31,
    hint=f"fwibench bundle RUN... -o NAME{SUFFIX} writes one",
)


def _check_time(text: str) -> str:
    datetime.strptime(text, TIME)
    return text


TIME = "%Y-%m-%dT%H:%M:%SZ"
"""Format of times, UTC."""
Time = Annotated[str, AfterValidator(_check_time)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Member(Frozen):
    """Size and hash of a member."""

    sha256: Digest = Field(description="SHA-256 of its content")
    bytes: int = Field(ge=0, description="its size")


class About(Frozen):
    """What the manifest says about an entry."""

    key: Digest = Field(description="key of the cell")
    offset: float = Field(description="value of code 0, in the unit of the property")
    scale: float = Field(gt=0, description="difference of neighbouring codes, in the unit of the property")
    rounding: float = Field(ge=0, description="largest rounding of a node, in the unit of the property")
    metrics: dict[Text, Text] = Field(description="version of each metric that the entry has scores of")
    left_out: tuple[Text, ...] = Field(
        default=(), description="metrics of the run whose scores cannot be computed from the maps alone"
    )


class Manifest(Frozen):
    """What a bundle holds; its first member."""

    format: int = Field(ge=1, description="version of the layout")
    fwibench: Text = Field(description="version of fwibench that wrote the bundle")
    created: Time = Field(description="time at which it was written, UTC")
    command: tuple[Text, ...] = Field(description="command that wrote it")
    environment: dict[str, Any] = Field(description="versions of the packages that computed the scores")
    rounding: Text = Field(default=ROUNDING, description="how the maps are rounded")
    files: dict[str, Member] = Field(description="size and hash of each other member, by name")
    entries: tuple[About, ...] = Field(min_length=1, description="the entries, in the order of the command")

    @property
    def moment(self) -> datetime:
        """Time at which it was written."""
        return datetime.strptime(self.created, TIME).replace(tzinfo=UTC)


def member(key: str, name: str) -> str:
    """Return the name of a member of an entry; `name` is one of `MEMBERS`."""
    return f"entries/{key}/{name}"
