"""The built-in datasets, metrics and exporters, registered through the hooks of plugins."""

from __future__ import annotations

from collections.abc import Iterable

from fwibench.datasets.kimberlina.spec import LEAKAGE, RESERVOIR
from fwibench.datasets.marmousi.spec import MARMOUSI
from fwibench.datasets.openfwi.spec import JOINT, openfwi_specs
from fwibench.datasets.salt.spec import SALT
from fwibench.datasets.user.description import read_descriptions
from fwibench.plugins.hookspecs import hookimpl
from fwibench.specs.dataset import DatasetSpec
from fwibench.specs.exporter import ExporterSpec
from fwibench.specs.metric import MetricSpec


@hookimpl
def fwibench_datasets() -> Iterable[DatasetSpec]:
    """Return the specs of the added datasets, the paper's datasets, OpenFWI's families and their union."""
    return [
        *(added.spec() for added in read_descriptions()[0]),
        RESERVOIR,
        SALT,
        MARMOUSI,
        LEAKAGE,
        *openfwi_specs(),
        JOINT,
    ]


@hookimpl
def fwibench_metrics() -> Iterable[MetricSpec]:
    """Return specs of errors in physical units, structural similarity, data misfit, resolution and uncertainty."""
    pointwise, similarity = "fwibench.metrics.pointwise", "fwibench.metrics.ssim"
    return [
        MetricSpec(
            name="mae",
            title="MAE",
            summary="mean absolute error",
            target=f"{pointwise}:mae",
            better="low",
            unit="property",
            stable=True,
            ranks=True,
        ),
        MetricSpec(
            name="mse",
            title="MSE",
            summary="mean squared error",
            target=f"{pointwise}:mse",
            better="low",
            unit="property^2",
            shown=("table",),
            stable=True,
        ),
        MetricSpec(
            name="rmse",
            title="RMSE",
            summary="root of the mean squared error of all samples",
            version="2",
            target=f"{pointwise}:rmse",
            pooling="root-mean-square",
            better="low",
            unit="property",
            shown=("page",),
            stable=True,
        ),
        MetricSpec(
            name="ssim",
            title="SSIM",
            summary="structural similarity as OpenFWI defines it: maps on [0, 1], zero padding, whole map",
            reference="OpenFWI; InvLINT, section 4.1.3",
            target=f"{similarity}:ssim",
            better="high",
            stable=True,
        ),
        MetricSpec(
            name="ssim-wang",
            title="SSIM (Wang)",
            summary="structural similarity as in scikit-image: complete windows only",
            reference="Wang et al., IEEE TIP 2004",
            target=f"{similarity}:ssim_wang",
            better="high",
            shown=(),
            stable=True,
        ),
        MetricSpec(
            name="data-misfit",
            title="data misfit",
            summary="relative L2 distance of simulated and recorded data; select it with --metrics",
            target="fwibench.metrics.misfit:data_misfit",
            better="low",
            compares="measurement",
            default=False,
            stable=True,
        ),
        MetricSpec(
            name="mae-illuminated",
            title="MAE illuminated",
            summary="mean absolute error of the nodes that the survey illuminates; select it with --metrics",
            target="fwibench.metrics.pointwise:mae_illuminated",
            better="low",
            unit="property",
            default=False,
        ),
        *_openfwi_metrics(),
        *_resolution_metrics(),
        *_spread_metrics(),
    ]


def _spread_metrics() -> Iterable[MetricSpec]:
    """Specs of the scores of samples of a prediction, which methods that draw none do not have."""
    module = "fwibench.metrics.spread"
    yield MetricSpec(
        name="crps",
        title="CRPS",
        summary="continuous ranked probability score of samples of the prediction: the MAE where all are equal",
        reference="Gneiting and Raftery, JASA 2007, eq. 21",
        target=f"{module}:crps",
        scores="samples",
        better="low",
        unit="property",
    )
    yield MetricSpec(
        name="coverage-90",
        title="coverage 90 %",
        summary="share of nodes whose truth lies in the central 90 % interval of samples of the prediction",
        target=f"{module}:coverage_90",
        scores="samples",
        better="near",
        best=0.9,
    )
    yield MetricSpec(
        name="sharpness",
        summary="mean width of the central 90 % intervals; a narrow one is better only if its coverage is right",
        reference="Gneiting, Balabdaoui and Raftery, JRSS B 2007",
        target=f"{module}:sharpness",
        scores="samples",
        better="low",
        unit="property",
    )


def _openfwi_metrics() -> Iterable[MetricSpec]:
    """Specs of the numbers that OpenFWI's test script and tables have, which are computed on demand."""
    openfwi = "OpenFWI (Deng et al. 2022), test.py and pytorch_ssim.py"
    pointwise = "fwibench.metrics.pointwise"
    yield MetricSpec(
        name="mae-normalised",
        title="MAE [-1, 1]",
        summary="mean absolute error of maps on [-1, 1], as in OpenFWI's tables; select it with --metrics",
        reference=openfwi,
        target=f"{pointwise}:mae_normalised",
        better="low",
        default=False,
        shown=(),
    )
    yield MetricSpec(
        name="rmse-normalised",
        title="RMSE [-1, 1]",
        summary="root mean squared error of all samples on [-1, 1], as in OpenFWI's tables; select it with --metrics",
        reference=openfwi,
        target=f"{pointwise}:rmse_normalised",
        pooling="root-mean-square",
        better="low",
        default=False,
        shown=(),
    )
    yield MetricSpec(
        name="ssim-openfwi",
        title="SSIM (OpenFWI)",
        summary="structural similarity as in OpenFWI's tables: that of ssim, under OpenFWI's name; select it with "
        "--metrics",
        reference=openfwi,
        target="fwibench.metrics.ssim:ssim",
        better="high",
        default=False,
        shown=(),
    )


def _resolution_metrics() -> Iterable[MetricSpec]:
    """Specs of the errors of parts of a map, which are computed on demand."""
    module = "fwibench.metrics.resolution"
    bands = {
        "low": "longer than two wavelengths",
        "mid": "between two and half a wavelength",
        "high": "shorter than half a wavelength",
    }
    for name, waves in bands.items():
        yield MetricSpec(
            name=f"error-{name}",
            title=f"error {name}",
            summary=f"relative L2 error of structures {waves}; select it with --metrics",
            target=f"{module}:error_{name}",
            better="low",
            default=False,
        )
    parts = {
        "shallow": "of the upper third of the rows",
        "middle": "of the middle third of the rows",
        "deep": "of the lower third of the rows",
        "edges": "up to two nodes from jumps of the true map",
        "inside": "further from jumps of the true map than two nodes",
    }
    for name, nodes in parts.items():
        yield MetricSpec(
            name=f"mae-{name}",
            title=f"MAE {name}",
            summary=f"mean absolute error {nodes}; select it with --metrics",
            target=f"{module}:mae_{name}",
            better="low",
            unit="property",
            default=False,
        )


@hookimpl
def fwibench_exporters() -> Iterable[ExporterSpec]:
    """Return specs of file formats with all columns, and with a selection of columns for texts."""
    data, pages = "fwibench.boards.exporters.data", "fwibench.boards.exporters.pages"
    return [
        ExporterSpec(
            name="csv", suffix=".csv", summary="all columns, comma-separated", target=f"{data}:as_csv", takes="rows"
        ),
        ExporterSpec(
            name="json",
            suffix=".json",
            summary="all columns, a list of objects",
            target=f"{data}:as_json",
            takes="rows",
        ),
        ExporterSpec(
            name="parquet",
            suffix=".parquet",
            summary="all columns with their types; needs pyarrow: pip install 'fwibench[parquet]'",
            needs=("pyarrow",),
            target=f"{data}:as_parquet",
            takes="rows",
        ),
        ExporterSpec(
            name="html", suffix=".html", summary="all columns, a plain table", target=f"{pages}:as_html", takes="rows"
        ),
        ExporterSpec(
            name="markdown",
            suffix=".md",
            summary="the columns of the printed tables, group by group",
            target=f"{pages}:as_markdown",
            takes="rows",
        ),
        ExporterSpec(
            name="latex",
            suffix=".tex",
            summary="the same tables for a paper, with booktabs",
            target=f"{pages}:as_latex",
            takes="rows",
        ),
    ]
