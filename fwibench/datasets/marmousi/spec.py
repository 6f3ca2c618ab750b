"""Spec of the Marmousi dataset.

Invariant: this module is light; listing datasets imports it.
"""

from __future__ import annotations

from fwibench.specs.dataset import OTHER_SIMULATORS, DatasetSpec, PublishedMaps
from fwibench.specs.dataset_options import FilesOptions

MARMOUSI2 = PublishedMaps(
    source="windows of 70 x 70 below the water of Marmousi2 at 10 m, clipped to 1500 to 4700 m/s",
    count=1000,
    mean=2834,
    deviation=848.7,
    layers=49.36,
    median_jump=6.25,
    gradients=(3.75, 6.3, 127.5, 1269),
)
"""Numbers of `fwibench.datasets.statistics.describe_maps` with steps of more than 1.07 m/s, to four digits."""

MARMOUSI = DatasetSpec(
    name="marmousi",
    summary="30,000 folded and faulted sections in Marmousi's manner, 70 x 70 at 10 m, 5 shots of 20 Hz",
    reference="InvLINT, section 4.1.1; after Feng et al., IEEE TGRS 2021",
    target="fwibench.datasets.marmousi.dataset:Marmousi",
    options=FilesOptions,
    source="synthetic",
    measurements="seismic",
    schemes=("random",),
    published_maps=(MARMOUSI2,),
    caveats=(
        "the paper's maps are style transfers of the Marmousi model; these are drawn from rules",
        "sources stand at 0 to 680 m of a 690 m axis: 170 m apart, as the paper says, and not centred",
        "one inner time step of 1 ms, as OpenFWI's: 3 % off the Green's function at 1500 m/s, 1.5 % at 3000",
        OTHER_SIMULATORS,
    ),
)
