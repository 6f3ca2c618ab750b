"""The suite's own datasets, metrics and exporters, registered like anybody's."""

from __future__ import annotations

from collections.abc import Iterable

from fwibench.datasets.kimberlina.spec import LEAKAGE, RESERVOIR
from fwibench.datasets.marmousi.spec import MARMOUSI
from fwibench.datasets.openfwi.spec import openfwi_specs
from fwibench.datasets.salt.spec import SALT
from fwibench.datasets.user.description import read_descriptions
from fwibench.plugins.hookspecs import hookimpl
from fwibench.specs.dataset import DatasetSpec
from fwibench.specs.exporter import ExporterSpec
from fwibench.specs.metric import MetricSpec


@hookimpl
def fwibench_datasets() -> Iterable[DatasetSpec]:
    """Return the specs of the added datasets, the paper's datasets and OpenFWI's families."""
    return [
        *(added.spec() for added in read_descriptions()[0]),
        RESERVOIR,
        SALT,
        MARMOUSI,
        LEAKAGE,
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
            target="fwibench.metrics.pointwise:mae_illuminated",
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
