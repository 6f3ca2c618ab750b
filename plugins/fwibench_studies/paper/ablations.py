"""Tables 2 to 10 and figure 4: kernels, their number, and decoders of InvLINT."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fwibench import Case, Claim, Effort, Quantity, StudySpec
from fwibench_studies.paper.main import INVERSIONNET
from fwibench_studies.paper.parts import (
    ABLATION,
    COUNTS,
    ERRORS,
    LEAKAGE,
    MARMOUSI,
    MULTIPLY_ADDS,
    PAPER,
    SALT,
    TWIN,
    printed,
    rows_on,
)

SINE = "sin(nπt) 1(x)/(xmax-xmin)"
COSINE_X = "sin(nπt) cos(nπx)"
ENCODER = {
    SINE: "invlint",
    "sin(nπt) sin(nπx)": "invlint[encoder_kernel=sin-t*sin-x]",
    COSINE_X: "invlint[encoder_kernel=sin-t*cos-x]",
    "cos(nπt) sin(nπx)": "invlint[encoder_kernel=cos-t*sin-x]",
    "sin(nπ(x+t))": "invlint[encoder_kernel=sin(x+t)]",
    "sin(nπt) + sin(nπx)": "invlint[encoder_kernel=sin-t+sin-x]",
}
TABLE_2 = (
    (136.67, 36003.43, 0.7972),
    (138.76, 37648.80, 0.8042),
    (128.33, 32451.22, 0.8115),
    (140.14, 38417.23, 0.8031),
    (141.58, 38383.58, 0.7892),
    (142.12, 38261.56, 0.7884),
)
TABLE_6 = (
    (8.13, 1534.60, 0.9812),
    (11.07, 3227.71, 0.9783),
    (8.88, 2015.23, 0.9804),
    (10.95, 3222.21, 0.9782),
    (8.17, 1751.89, 0.9815),
    (8.10, 1760.43, 0.9817),
)

GAUSSIAN, SINC, NARROW = "Gaussian", "sinc", "Gaussian, sigma/3"
PROPERTY = {
    GAUSSIAN: "invlint",
    SINC: "invlint[property_kernel=sinc]",
    NARROW: "invlint[property_kernel=gaussian/3]",
    "sin(nπx) sin(nπz)": "invlint[property_kernel=sin-x*sin-z]",
    "cos(nπx) sin(nπz)": "invlint[property_kernel=cos-x*sin-z]",
    "sin(nπx) cos(nπz)": "invlint[property_kernel=sin-x*cos-z]",
    "sin(nπ(x+z))": "invlint[property_kernel=sin(x+z)]",
    "sin(nπx) + sin(nπz)": "invlint[property_kernel=sin-x+sin-z]",
}
TABLE_3 = (
    (136.67, 36003.43, 0.7972),
    (138.02, 36534.44, 0.7952),
    (138.19, 36579.46, 0.7954),
    (177.36, 56102.75, 0.7455),
    (165.38, 49463.79, 0.7491),
    (175.92, 55424.26, 0.7376),
    (209.47, 74167.16, 0.7057),
    (216.12, 78496.77, 0.7030),
)
TABLE_7 = (
    (8.13, 1534.60, 0.9812),
    (8.90, 2051.99, 0.9789),
    (8.84, 2042.94, 0.9790),
    (15.41, 7357.48, 0.9764),
    (15.40, 7349.02, 0.9764),
    (15.37, 7252.45, 0.9765),
    (12.86, 4721.48, 0.9767),
    (13.21, 74719.95, 0.9764),
)

TRANSFORMER, CONV, DECONV = "transformer x1 + linear", "conv x2 + linear", "deconv x1 + linear"
DECONV_5, UP_5 = "(deconv + conv) x5", "(up + conv) x5"
DECODERS = {
    TRANSFORMER: "invlint",
    CONV: "invlint[decoder=conv]",
    DECONV: "invlint[decoder=deconv]",
    DECONV_5: "invlint[decoder=deconv-x5]",
    UP_5: "invlint[decoder=up-x5]",
}
TABLE_4 = (
    (136.67, 36003.43, 0.7972, 1.45e6, 9.3e6),
    (140.72, 37345.58, 0.7903, 0.30e6, 9.2e6),
    (167.98, 49728.14, 0.7520, 0.35e6, 10.8e6),
    (126.59, 33830.73, 0.8158, 12.71e6, 94.6e6),
    (128.74, 34854.78, 0.8120, 4.01e6, 56.7e6),
)
TABLE_9 = (
    (8.13, 1534.60, 0.9812),
    (13.42, 2447.81, 0.9762),
    (21.32, 4919.03, 0.9648),
    (6.86, 1462.29, 0.9841),
    (6.87, 1516.80, 0.9840),
)

ONE, MULTI, TWO, THREE = "1 layer transformer", "multi-linear", "2 layers transformer", "3 layers transformer"
LARGER = {
    ONE: "invlint",
    MULTI: "invlint[shared=false]",
    TWO: "invlint[layers=2]",
    THREE: "invlint[layers=3]",
}
TABLE_5 = (
    (136.67, 36003.43, 0.7972),
    (138.82, 36801.89, 0.7939),
    (134.24, 35111.23, 0.8002),
    (132.19, 34502.25, 0.8037),
)
TABLE_10 = (
    (8.13, 1534.60, 0.9812),
    (8.14, 1799.70, 0.9811),
    (8.24, 1781.50, 0.9812),
    (8.09, 1707.53, 0.9813),
)

DEFAULT_SIZE = "N=2048; M=512"
SIZES = {
    DEFAULT_SIZE: "invlint",
    "N=1024; M=512": "invlint[kernels_total=1024]",
    "N=4096; M=512": "invlint[kernels_total=4096]",
    "N=2048; M=128": "invlint[embedding=128]",
    "N=2048; M=1024": "invlint[embedding=1024]",
}
TABLE_8 = (
    (8.13, 1534.60, 0.9812),
    (8.63, 1946.62, 0.9811),
    (8.29, 1780.75, 0.9808),
    (8.76, 2007.14, 0.9805),
    (8.59, 1898.95, 0.9808),
)
DIMENSIONS = (128, 256, 512, 1024, 2048, 4096)
"""Numbers of kernels in figure 4."""
ONE_SEED = {**ABLATION, "quick": ABLATION["quick"].model_copy(update={"seeds": 1})}
"""Work of studies that take an hour otherwise."""
DECODING = {
    **ABLATION,
    "quick": Effort(
        settings={"invlint": {"max_batches": 200}, "inversionnet": {"max_batches": 100}},
        settings_on={LEAKAGE: {"invlint": {"max_batches": 20}}, MARMOUSI: {"invlint": {"max_batches": 100}}},
    ),
}
"""Work of the tables of decoders, the largest of which take a hundred times the operations of the smallest."""


def ablation_studies() -> list[StudySpec]:
    """Return the studies of the ablations, in the order in which the paper prints them."""
    return [
        _table("2", (MARMOUSI, SALT), ENCODER, TABLE_2, "encoder kernels", _encoder_claims),
        _table("3", (MARMOUSI, SALT), PROPERTY, TABLE_3, "property kernels", _property_claims),
        _table_4(),
        _table("5", (MARMOUSI, SALT), LARGER, TABLE_5, "larger decoders", _larger_claims),
        _table("6", (LEAKAGE,), ENCODER, TABLE_6, "encoder kernels", _encoder_claims),
        _table("7", (LEAKAGE,), PROPERTY, TABLE_7, "property kernels", _property_claims),
        _table("8", (LEAKAGE, SALT), SIZES, TABLE_8, "number of kernels", _size_claims),
        _table("9", (LEAKAGE,), DECODERS, TABLE_9, "decoders", _decoder_claims),
        _table("10", (LEAKAGE,), LARGER, TABLE_10, "larger decoders", _larger_claims),
        _figure_4(),
    ]


def _table(
    number: str,
    datasets: tuple[str, ...],
    methods: Mapping[str, str],
    values: Sequence[Sequence[float]],
    what: str,
    claims: Callable[[str], list[Claim]],
) -> StudySpec:
    """A table of InvLINT with other options; the paper prints it for the first dataset."""
    numbers = dict(zip(methods, values, strict=True))
    return StudySpec(
        name=f"paper-table-{number}",
        collection="paper",
        title=f"Table {number}: {what} of InvLINT",
        summary=f"errors of InvLINT with other {what}; the paper's default is the first row",
        reference=f"{PAPER}, table {number}",
        cases=rows_on(datasets, methods),
        quantities=ERRORS,
        published=printed(f"table {number}", datasets[0], numbers),
        claims=tuple(claim for dataset in datasets for claim in claims(dataset)),
        efforts=DECODING if methods is DECODERS else ABLATION if MARMOUSI in datasets else ONE_SEED,
    )


def _table_4() -> StudySpec:
    numbers = dict(zip(DECODERS, TABLE_4, strict=True))
    caveats = {"mae": TWIN, "mse": TWIN, "ssim": TWIN, "macs": MULTIPLY_ADDS}
    with_network = {**DECODERS, INVERSIONNET: "inversionnet"}
    return StudySpec(
        name="paper-table-4",
        collection="paper",
        title="Table 4: decoders of InvLINT",
        summary="errors and sizes of InvLINT with other decoders, and of InversionNet for comparison",
        reference=f"{PAPER}, table 4",
        cases=rows_on((MARMOUSI, SALT), with_network),
        quantities=(*ERRORS, *COUNTS),
        published=printed("table 4", MARMOUSI, numbers, ("mae", "mse", "ssim", "parameters", "macs"), caveats),
        claims=tuple(
            claim for dataset in (MARMOUSI, SALT) for claim in (*_decoder_claims(dataset), _outperforms(dataset))
        ),
        efforts=DECODING,
        notes=(
            "In profile quick InvLINT takes 200 gradient steps on salt and 100 on marmousi, InversionNet 100 on both, "
            "of smaller batches.",
        ),
    )


def _figure_4() -> StudySpec:
    return StudySpec(
        name="paper-figure-4",
        collection="paper",
        title="Figure 4: error over the dimensions of U and Y",
        summary="MAE of InvLINT on a grid of numbers of kernels of measurement (N) and property (M)",
        reference=f"{PAPER}, figure 4",
        cases=tuple(
            Case(
                row=f"N = {n}",
                column=f"M = {m}",
                method=f"invlint[kernels_total={n},embedding={m}]",
                dataset=MARMOUSI,
            )
            for n in DIMENSIONS
            for m in DIMENSIONS
        ),
        quantities=(Quantity(key="mae"),),
        claims=tuple(
            Claim(
                kind="close",
                text=f"N = 2048 is at most 5 % worse than N = {n}, with M = 512: the paper's choice is appropriate",
                source="section 4.3",
                quantity="mae",
                block=MARMOUSI,
                first="N = 2048",
                others=(f"N = {n}",),
                column="M = 512",
                bound=0.05,
            )
            for n in DIMENSIONS
            if n != 2048
        ),
        figure="matrix",
        efforts=ONE_SEED,
        notes=("The paper draws this figure without numbers and does not name its dataset.",),
    )


def _encoder_claims(dataset: str) -> list[Claim]:
    claims = []
    if dataset == LEAKAGE:
        claims.append(_better("sin(nπt) cos(nπx) is worse than the default kernel", dataset, SINE, COSINE_X))
    else:
        claims.append(_better("sin(nπt) cos(nπx) is better than the default kernel", dataset, COSINE_X, SINE))
    return claims


def _property_claims(dataset: str) -> list[Claim]:
    close = Claim(
        kind="close",
        text=f"sinc performs like the narrow Gaussian on {dataset}: at most 2 % worse",
        source="section 4.3",
        quantity="mae",
        block=dataset,
        first=SINC,
        others=(NARROW,),
        bound=0.02,
    )
    best = Claim(
        kind="best",
        text=f"Gaussian is the best property kernel on {dataset}",
        source="section 4.3",
        quantity="mae",
        block=dataset,
        first=GAUSSIAN,
    )
    return [best, close, _better("a narrower Gaussian is worse", dataset, GAUSSIAN, NARROW)]


def _decoder_claims(dataset: str) -> list[Claim]:
    return [
        _better("the transformer is better than shallow convolutions", dataset, TRANSFORMER, CONV, DECONV),
        _better("(deconv + conv) x5 is better than the transformer", dataset, DECONV_5, TRANSFORMER),
        _better("(up + conv) x5 is better than the transformer", dataset, UP_5, TRANSFORMER),
    ]


def _outperforms(dataset: str) -> Claim:
    return _better("with InversionNet's decoder InvLINT is better than InversionNet", dataset, DECONV_5, INVERSIONNET)


def _larger_claims(dataset: str) -> list[Claim]:
    enough = Claim(
        kind="close",
        text=f"a single linear layer is enough on {dataset}: at most 2 % worse than unshared ones",
        source="section 4.3",
        quantity="mae",
        block=dataset,
        first=ONE,
        others=(MULTI,),
        bound=0.02,
    )
    return [
        enough,
        _better("two layers are better than one", dataset, TWO, ONE),
        _better("three layers are better than one", dataset, THREE, ONE),
    ]


def _size_claims(dataset: str) -> list[Claim]:
    return [
        Claim(
            kind="best",
            text=f"N = 2048 and M = 512 are the best sizes on {dataset}",
            source="section 4.3",
            quantity="mae",
            block=dataset,
            first=DEFAULT_SIZE,
        )
    ]


def _better(text: str, dataset: str, first: str, *others: str) -> Claim:
    return Claim(
        kind="better",
        text=f"{text} on {dataset}",
        source="section 4.3",
        quantity="mae",
        block=dataset,
        first=first,
        others=others,
    )
