"""Table of the ten families, their specs and options, and those of the joint dataset.

Invariant: this module is light; listing datasets imports it.

Shards and splits are those of `split_files` in the repository lanl/OpenFWI, amplitudes those of `dataset_config.json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from pydantic import Field

from fwibench.specs.dataset import OTHER_SIMULATORS, DatasetSpec, PublishedMaps
from fwibench.specs.dataset_options import DataPath, DatasetOptions

Structure = Literal["vel", "fault", "style"]
SHARD_ROWS = 500
"""Number of samples in a full original shard."""


class OpenFWIOptions(DatasetOptions):
    """Options of a family; without `path` it is synthetic."""

    path: DataPath | None = Field(
        default=None, description="folder of the shards of OpenFWI, or its list of train files; None for synthetic maps"
    )
    test: DataPath | None = Field(default=None, description="list of test files of OpenFWI, if path is a list")
    protocol: Literal["fwibench", "openfwi"] = Field(
        default="fwibench", description="sizes of the profile, or the complete splits of OpenFWI; for original files"
    )


class ShardNames(NamedTuple):
    """Names of the two files of an original shard, and its official split."""

    measurements: str
    properties: str
    split: Literal["train", "test"]


class Family(NamedTuple):
    """A family.

    Attributes:
        structure: Kind of the maps: layers, faulted layers, or style transfer.
        curved: Whether layers are curved.
        hard: Whether it is version B.
        low: Raw amplitude that is scaled to -1.
        high: Raw amplitude that is scaled to 1.
    """

    structure: Structure
    curved: bool
    hard: bool
    low: float
    high: float

    @property
    def official(self) -> tuple[int, int]:
        """Number of samples in the train and the test split of OpenFWI."""
        return {"vel": (24_000, 6_000), "fault": (48_000, 6_000), "style": (60_000, 7_000)}[self.structure]

    def shards(self) -> Iterator[ShardNames]:
        """Return the original shards, in their official order."""
        if self.structure == "fault":
            for series in (6, 7, 8) if self.hard else (2, 3, 4):
                for i in range(36):
                    yield ShardNames(f"seis{series}_1_{i}.npy", f"vel{series}_1_{i}.npy", "train" if i < 32 else "test")
        else:
            train, total = (48, 60) if self.structure == "vel" else (120, 134)
            for i in range(1, total + 1):
                yield ShardNames(f"data{i}.npy", f"model{i}.npy", "train" if i <= train else "test")


FAMILIES = {
    "flatvel-a": Family("vel", curved=False, hard=False, low=-26.95, high=52.77),
    "flatvel-b": Family("vel", curved=False, hard=True, low=-27.17, high=56.05),
    "curvevel-a": Family("vel", curved=True, hard=False, low=-27.11, high=55.10),
    "curvevel-b": Family("vel", curved=True, hard=True, low=-29.04, high=57.03),
    "flatfault-a": Family("fault", curved=False, hard=False, low=-26.10, high=50.86),
    "flatfault-b": Family("fault", curved=False, hard=True, low=-24.86, high=50.28),
    "curvefault-a": Family("fault", curved=True, hard=False, low=-26.48, high=52.32),
    "curvefault-b": Family("fault", curved=True, hard=True, low=-24.93, high=50.98),
    "style-a": Family("style", curved=True, hard=False, low=-24.96, high=48.93),
    "style-b": Family("style", curved=True, hard=True, low=-23.76, high=46.01),
}

_DDNET = "test maps in the repository FanSmale/ddnet at commit 1ed969f"

# numbers of fwibench.datasets.statistics.describe_maps with steps of more than 1 m/s, to four digits
FLATVEL_A = PublishedMaps(
    source=f"OpenFWI FlatVel-A, {_DDNET}",
    count=1000,
    mean=2786,
    deviation=769.2,
    layers=5.465,
    median_jump=317,
    gradients=(0, 0, 0, 742),
)
CURVEVEL_A = PublishedMaps(
    source=f"OpenFWI CurveVel-A, {_DDNET}",
    count=1000,
    mean=2790,
    deviation=794.2,
    layers=5.39,
    median_jump=303,
    gradients=(0, 0, 0, 768),
)
FLATFAULT_A = PublishedMaps(
    source=f"OpenFWI FlatFault-A, {_DDNET}",
    count=1000,
    mean=2995,
    deviation=864.4,
    layers=12.19,
    median_jump=54.09,
    gradients=(0, 0, 30.49, 746.5),
)
CURVEFAULT = PublishedMaps(
    source="OpenFWI CurveFault, version not stated, one map of the repository lu-group/red-diffeq",
    count=1,
    mean=2628,
    deviation=767.8,
    layers=6.643,
    median_jump=292,
    gradients=(0, 0, 0, 894),
)

_PUBLISHED = {
    "flatvel-a": (FLATVEL_A,),
    "curvevel-a": (CURVEVEL_A,),
    "flatfault-a": (FLATFAULT_A,),
    "curvefault-a": (CURVEFAULT,),
    "curvefault-b": (CURVEFAULT,),
}

_CAVEATS = (
    "without path the samples are a synthetic twin: the survey, scaling and sizes of OpenFWI, maps of our own making;"
    " scores compare with published ones only on the original files",
    "simulated at order 4 as OpenFWI is: an inversion at order 4 inverts its own stencil",
    "residual against a published record (CurveFault, 5 shots, samples 0 to 998): 2.5e-3 in relative L2 with scale 1",
    "the last time sample of the published files is zero; the twins go on to the end",
    OTHER_SIMULATORS,
    "trained on the FlatVel-A twin, MAE on published FlatVel-A maps: InvLINT 197 m/s on shots of the twin's own "
    "simulation, 270 with 20 absorbing cells instead of 10, 527 on shots of OpenFWI's scheme, which differ by 0.3 %; "
    "pixel-ridge 191, 557 and 2159 m/s",
)

ORIGINAL_CAVEATS = (
    "test is OpenFWI's test split, val is drawn from its train split; OpenFWI chose its best model on test",
    "simulated by OpenFWI at order 4: an inversion at order 4 inverts its own stencil",
    "the physics here leaves a residual of 2.5e-3 in relative L2 on a published record (CurveFault, samples 0 to 998)",
    "the last time sample of every published record is zero",
)


def _summary(family: Family) -> str:
    layers = "curved layers" if family.curved else "flat layers"
    kind = {
        "vel": layers + (", velocity in any order" if family.hard else ", faster with depth"),
        "fault": ("thin " if family.hard else "") + layers + " cut by faults",
        "style": ("sharper" if family.hard else "smooth") + " maps in the style of style transfer",
    }[family.structure]
    return f"{kind}, after OpenFWI; 70 x 70 at 10 m, 5 shots of 15 Hz"


def _version(family: Family) -> str:
    """2 if synthetic maps are those of `flat_fault_map`; maps of version 1 had sharp edges and a lower mean."""
    return "2" if family.structure == "fault" and not family.curved else "1"


WITHOUT = "without-"
"""Begin of the name of a split scheme that leaves a family out of train and val, and tests on it alone."""


class JointOptions(DatasetOptions):
    """Options of the joint dataset; without `path` its families are synthetic."""

    path: DataPath | None = Field(
        default=None,
        description="folder with a folder of original shards for each family, named FlatVel_A or flatvel-a; None for "
        "synthetic maps",
    )
    protocol: Literal["fwibench", "openfwi"] = Field(
        default="fwibench", description="sizes of the profile, or the complete splits of OpenFWI; for original files"
    )


JOINT = DatasetSpec(
    name="openfwi",
    summary="the ten families of OpenFWI as one dataset, or nine for training and the tenth for testing",
    reference="Deng et al., OpenFWI, NeurIPS 2022",
    target="fwibench.datasets.openfwi.joint:open_joint",
    options=JointOptions,
    source="synthetic",
    measurements="seismic",
    schemes=("random", *(f"{WITHOUT}{name}" for name in FAMILIES)),
    licence="CC BY-NC-SA 4.0 for the original files",
    caveats=(
        "samples are those of the families, with their ids; preparing it prepares the families, ten times the disk "
        "space and time of one",
        "measurements of all families are scaled by the widest amplitudes, -29.04 to 57.03",
        "families differ in size: at paper size the Style families have 67,000 samples, the Vel families 30,000",
        *_CAVEATS[:-1],
    ),
)


def openfwi_specs() -> list[DatasetSpec]:
    """Return the specs of the ten families."""
    return [
        DatasetSpec(
            name=name,
            summary=_summary(family),
            reference="Deng et al., OpenFWI, NeurIPS 2022",
            target="fwibench.datasets.openfwi.dataset:open_family",
            version=_version(family),
            options=OpenFWIOptions,
            source="synthetic",
            measurements="seismic",
            licence="CC BY-NC-SA 4.0 for the original files",
            published_maps=_PUBLISHED.get(name, ()),
            caveats=_CAVEATS,
        )
        for name, family in FAMILIES.items()
    ]
