"""Spec and options of the salt dataset.

Invariant: this module is light; listing datasets imports it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from fwibench.specs.dataset import OTHER_SIMULATORS, DatasetSpec, PublishedMaps
from fwibench.specs.dataset_options import FilesOptions

SEG_EAGE_SALT = PublishedMaps(
    source="slices of the SEG/EAGE salt model resampled to 40 x 60, of which no more is known here",
    deviation=581,
    above=4300,
    share_above=0.05,
)


class SaltOptions(FilesOptions):
    """Options of the salt dataset."""

    added = frozenset({"volume"})

    volume: Literal["large", "realistic"] = Field(
        default="large", description="synthetic salt: a quarter of the area, or 5 % as in SEG/EAGE slices"
    )

    @model_validator(mode="after")
    def _synthetic(self) -> SaltOptions:
        if self.volume != "large" and self.path is not None:
            raise ValueError(f"volume={self.volume} concerns synthetic salt, and path names original maps")
        return self


SALT = DatasetSpec(
    name="salt",
    summary="140 slices of synthetic salt volumes, 40 x 60 at 10 m, 5 shots of 12 Hz",
    reference="InvLINT, section 4.1.1; after Yang and Ma, Geophysics 2019",
    target="fwibench.datasets.salt.dataset:Salt",
    options=SaltOptions,
    source="synthetic",
    measurements="seismic",
    schemes=("random", "block"),
    published_maps=(SEG_EAGE_SALT,),
    caveats=(
        "neighbouring slices are nearly the same picture, so under `random` most test maps have near twins in "
        "train: read the nearest training map's error, and use `block`",
        "measurements are simulated with the constant-density acoustic equation at order 8; an inversion at "
        "order 8 on the same grid would be an inverse crime",
        "no noise; `salt[snr=10]` adds some",
        "salt fills 23 % of the area, where SEG/EAGE slices of that size have 5 %, and velocities deviate by "
        "1076 m/s instead of 581; `salt[volume=realistic]` has 5 % and 596 m/s",
        OTHER_SIMULATORS,
    ),
)
