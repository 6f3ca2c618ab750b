"""The suite's own datasets, metrics and exporters, registered like anybody's."""

from __future__ import annotations

from collections.abc import Iterable

from fwibench.datasets.added.description import read_descriptions
from fwibench.datasets.openfwi.families import openfwi_specs
from fwibench.datasets.published_maps import MARMOUSI2, SEG_EAGE_SALT
from fwibench.plugins.hookspecs import hookimpl
from fwibench.specs.dataset import OTHER_SIMULATORS, DatasetSpec
from fwibench.specs.dataset_options import FilesOptions, SaltOptions
from fwibench.specs.exporter import ExporterSpec
from fwibench.specs.metric import MetricSpec


@hookimpl
def fwibench_datasets() -> Iterable[DatasetSpec]:
    """Synthetic twins of the paper's datasets, OpenFWI's families, and what users added."""
    return [
        *(added.spec() for added in read_descriptions()[0]),
        DatasetSpec(
            name="kimberlina-reservoir",
            summary="780 synthetic basin sections with a CO2 plume, 351 x 601 at 10 m, 2 line sources, 0.1 to 8 Hz",
            reference="InvLINT, section 4.1.1; after Alumbaugh et al., 2021",
            target="fwibench.datasets.kimberlina_reservoir:KimberlinaReservoir",
            options=FilesOptions,
            source="synthetic",
            measurements="em",
            caveats=(
                "the geology is one drawn site in the character of the southern San Joaquin basin, not the model of "
                "the published data, so errors do not compare",
                "the paper states neither the receivers nor the frequencies between 0.1 and 8 Hz: 61 receivers at the "
                "surface and a logarithmic spacing are choices of this suite",
                "fields are two-dimensional, of line sources along the strike; sections are independent of each other, "
                "so there is no block split",
            ),
        ),
        DatasetSpec(
            name="salt",
            summary="140 slices of synthetic salt volumes, 40 x 60 at 10 m, 5 shots of 12 Hz",
            reference="InvLINT, section 4.1.1; after Yang and Ma, Geophysics 2019",
            target="fwibench.datasets.salt:Salt",
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
        ),
        DatasetSpec(
            name="marmousi",
            summary="30,000 folded and faulted sections in Marmousi's manner, 70 x 70 at 10 m, 5 shots of 20 Hz",
            reference="InvLINT, section 4.1.1; after Feng et al., IEEE TGRS 2021",
            target="fwibench.datasets.marmousi:Marmousi",
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
        ),
        DatasetSpec(
            name="kimberlina-leakage",
            summary="973 CO2 leaks of 20 decades at one drawn storage site, 401 x 141 at 10 m, 9 shots of 10 Hz",
            reference="InvLINT, section 4.1.1; after Jordan and Wagoner, NETL 2017",
            target="fwibench.datasets.kimberlina_leakage:KimberlinaLeakage",
            options=FilesOptions,
            source="synthetic",
            measurements="seismic",
            schemes=("scenario",),
            caveats=(
                "the paper's maps come from flow simulations of the Kimberlina site; these and the site are drawn",
                "401 rows are taken as depth; the paper does not name the axes",
                "receivers are 14 m apart instead of 15, which would not fit, and at 10 m depth, which is not stated",
                "original files hold x first: with `path` the section is 4 km along and 1.4 km deep, 141 x 401",
                "one second of record sees the upper 1.3 km; stored CO2 is not drawn, only what leaks from 2.6 km up",
                OTHER_SIMULATORS,
            ),
        ),
        *openfwi_specs(),
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
        MetricSpec(
            name="data-misfit",
            summary="simulated against measured data, relative L2; ask for it with --metrics",
            target="fwibench.metrics.misfit:data_misfit",
            better="low",
            compares="measurement",
            default=False,
        ),
        MetricSpec(
            name="mae-illuminated",
            summary="mean absolute error where the survey sees the section; ask for it with --metrics",
            target="fwibench.metrics.illuminated:mae_illuminated",
            better="low",
            unit="property",
            default=False,
        ),
    ]


@hookimpl
def fwibench_exporters() -> Iterable[ExporterSpec]:
    """All columns for programs, a choice of them for papers."""
    data, pages = "fwibench.leaderboard.exporters.data", "fwibench.leaderboard.exporters.pages"
    return [
        ExporterSpec(name="csv", suffix=".csv", summary="all columns, comma-separated", target=f"{data}:as_csv"),
        ExporterSpec(name="json", suffix=".json", summary="all columns, a list of objects", target=f"{data}:as_json"),
        ExporterSpec(
            name="parquet",
            suffix=".parquet",
            summary="all columns with their types; needs pyarrow: pip install 'fwibench[parquet]'",
            needs=("pyarrow",),
            target=f"{data}:as_parquet",
        ),
        ExporterSpec(name="html", suffix=".html", summary="all columns, a plain table", target=f"{pages}:as_html"),
        ExporterSpec(
            name="markdown",
            suffix=".md",
            summary="what a text would show, table by table",
            target=f"{pages}:as_markdown",
        ),
        ExporterSpec(
            name="latex", suffix=".tex", summary="the same for a paper, with booktabs", target=f"{pages}:as_latex"
        ),
    ]
