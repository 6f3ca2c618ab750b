"""The suite's own datasets and metrics, registered like anybody's."""

from __future__ import annotations

from collections.abc import Iterable

from fwibench.datasets.spec import DatasetSpec
from fwibench.metrics.spec import MetricSpec
from fwibench.plugins.hookspecs import hookimpl


@hookimpl
def fwibench_datasets() -> Iterable[DatasetSpec]:
    """The synthetic twins of the paper's datasets."""
    return [
        DatasetSpec(
            name="kimberlina-reservoir",
            summary="780 synthetic basin sections with a CO2 plume, 351 x 601 at 10 m, 2 line sources, 0.1 to 8 Hz",
            reference="InvLINT, section 4.1.1; after Alumbaugh et al., 2021",
            target="fwibench.datasets.kimberlina_reservoir:KimberlinaReservoir",
            source="synthetic",
            measurements="em",
            caveats=(
                "The geology is drawn at random in the character of the southern San Joaquin basin; it is not the "
                "model of the published data. Sections vary more than its errors suggest, so errors do not compare.",
                "The paper states neither the receivers nor the frequencies between 0.1 and 8 Hz: 61 receivers at the "
                "surface and a logarithmic spacing are choices of this suite.",
                "Fields are two-dimensional, of line sources along the strike; sections are independent of each other, "
                "so there is no block split.",
            ),
        ),
        DatasetSpec(
            name="salt",
            summary="140 slices of synthetic salt volumes, 40 x 60 at 10 m, 5 shots of 12 Hz",
            reference="InvLINT, section 4.1.1; after Yang and Ma, Geophysics 2019",
            target="fwibench.datasets.salt:Salt",
            source="synthetic",
            measurements="seismic",
            schemes=("random", "block"),
        ),
    ]


@hookimpl
def fwibench_metrics() -> Iterable[MetricSpec]:
    """Errors in physical units, and structural similarity in two conventions."""
    pointwise, similarity = "fwibench.metrics.pointwise", "fwibench.metrics.ssim"
    return [
        MetricSpec(name="mae", summary="mean absolute error", target=f"{pointwise}:mae", better="low", unit="property"),
        MetricSpec(
            name="mse", summary="mean squared error", target=f"{pointwise}:mse", better="low", unit="property^2"
        ),
        MetricSpec(
            name="rmse",
            summary="root mean squared error of a sample",
            target=f"{pointwise}:rmse",
            better="low",
            unit="property",
        ),
        MetricSpec(
            name="ssim",
            summary="structural similarity as published: zero padding, whole map",
            reference="OpenFWI; InvLINT, section 4.1.3",
            target=f"{similarity}:ssim",
            better="high",
        ),
        MetricSpec(
            name="ssim-wang",
            summary="structural similarity as in scikit-image: whole windows only",
            reference="Wang et al., IEEE TIP 2004",
            target=f"{similarity}:ssim_wang",
            better="high",
        ),
    ]
