"""What published maps are like, for the cards of the datasets that imitate them.

Invariant: this module is light; listing datasets reads it. It holds numbers, no maps.

`fwibench.datasets.statistics.describe_maps` gave them, with steps of more than 1 m/s (1.07 for Marmousi, whose range is
wider), to the four digits shown.
"""

from __future__ import annotations

from fwibench.specs.dataset import PublishedMaps

_DDNET = "test maps in the repository FanSmale/ddnet at commit 1ed969f"

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
MARMOUSI2 = PublishedMaps(
    source="windows of 70 x 70 below the water of Marmousi2 at 10 m, clipped to 1500 to 4700 m/s",
    count=1000,
    mean=2834,
    deviation=848.7,
    layers=49.36,
    median_jump=6.25,
    gradients=(3.75, 6.3, 127.5, 1269),
)
SEG_EAGE_SALT = PublishedMaps(
    source="slices of the SEG/EAGE salt model brought to 40 x 60, of which no more is known here",
    deviation=581,
    above=4300,
    share_above=0.05,
)
