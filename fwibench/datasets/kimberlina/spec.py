"""Specs of the two Kimberlina datasets.

Invariant: this module is light; listing datasets imports it.
"""

from __future__ import annotations

from fwibench.specs.dataset import OTHER_SIMULATORS, DatasetSpec
from fwibench.specs.dataset_options import FilesOptions

RESERVOIR = DatasetSpec(
    name="kimberlina-reservoir",
    summary="780 synthetic basin sections with a CO2 plume, 351 x 601 at 10 m, 2 line sources, 0.1 to 8 Hz",
    reference="InvLINT, section 4.1.1; after Alumbaugh et al., 2021",
    target="fwibench.datasets.kimberlina.reservoir:KimberlinaReservoir",
    options=FilesOptions,
    source="synthetic",
    measurements="em",
    caveats=(
        "the geology is one synthetic site that resembles the southern San Joaquin basin, not the model of "
        "the published data, so errors do not compare",
        "the paper states neither the receivers nor the frequencies between 0.1 and 8 Hz: 61 receivers at the "
        "surface and a logarithmic spacing are choices of this suite",
        "fields are two-dimensional, of line sources along the strike; sections are independent of each other, "
        "so there is no block split",
    ),
)

LEAKAGE = DatasetSpec(
    name="kimberlina-leakage",
    summary="973 CO2 leaks of 20 decades at one drawn storage site, 401 x 141 at 10 m, 9 shots of 10 Hz",
    reference="InvLINT, section 4.1.1; after Jordan and Wagoner, NETL 2017",
    target="fwibench.datasets.kimberlina.leakage:KimberlinaLeakage",
    options=FilesOptions,
    source="synthetic",
    measurements="seismic",
    schemes=("scenario",),
    caveats=(
        "the paper's maps come from flow simulations of the Kimberlina site; these and the site are synthetic",
        "401 rows are taken as depth; the paper does not name the axes",
        "receivers are 14 m apart instead of 15, which would not fit, and at 10 m depth, which is not stated",
        "original files hold x first: with `path` the section is 4 km along and 1.4 km deep, 141 x 401",
        "a record of one second reaches the upper 1.3 km; stored CO2 is left out, leaks rise from 2.6 km",
        OTHER_SIMULATORS,
    ),
)
