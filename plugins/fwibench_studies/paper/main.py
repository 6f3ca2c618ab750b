"""Table 1 and figures 3 and 6 to 9: three networks on four datasets."""

from __future__ import annotations

from fwibench import Claim, Effort, StudySpec
from fwibench_studies.paper.parts import (
    COUNTS,
    ERRORS,
    LEAKAGE,
    MARMOUSI,
    MULTIPLY_ADDS,
    PAPER,
    RESERVOIR,
    SALT,
    TWIN,
    printed,
    rows_on,
)

INVERSIONNET, VELOCITYGAN, INVLINT = "InversionNet", "VelocityGAN", "InvLINT"
NETWORKS = {INVERSIONNET: "inversionnet", VELOCITYGAN: "velocitygan", INVLINT: "invlint"}
DATASETS = (LEAKAGE, MARMOUSI, SALT, RESERVOIR)
FAST = {"inversionnet": {"precision": "auto"}, "velocitygan": {"precision": "auto"}}
EFFORTS = {
    "smoke": Effort(),
    # every network gets the same time on every dataset
    "quick": Effort(budget=100.0, settings=FAST),
    "paper": Effort(seeds=3, settings=FAST),
}
CAVEATS = {"mae": TWIN, "mse": TWIN, "ssim": TWIN, "macs": MULTIPLY_ADDS}
KEYS = ("mae", "mse", "ssim", "parameters", "macs")
VALUES = {
    LEAKAGE: {
        INVERSIONNET: (9.43, 1086.99, 0.9868, 15.81e6, 563.52e6),
        VELOCITYGAN: (9.73, 1026.27, 0.9863, 16.99e6, 1.31e9),
        INVLINT: (8.13, 1534.60, 0.9812, 1.49e6, 44.30e6),
    },
    MARMOUSI: {
        INVERSIONNET: (149.67, 45936.23, 0.7889, 24.41e6, 189.58e6),
        VELOCITYGAN: (124.62, 30644.31, 0.8642, 25.59e6, 259.49e6),
        INVLINT: (136.67, 36003.43, 0.7972, 1.45e6, 9.31e6),
    },
    SALT: {
        INVERSIONNET: (25.98, 8669.98, 0.9764, 13.74e6, 32.37e6),
        VELOCITYGAN: (332.62, 145669.11, 0.7760, 14.92e6, 65.98e6),
        INVLINT: (24.60, 8840.79, 0.9742, 1.62e6, 5.98e6),
    },
    RESERVOIR: {
        INVERSIONNET: (0.01330, 0.000855, 0.9175, 0.30e6, 1.20e9),
        VELOCITYGAN: (0.01313, 0.000688, 0.8611, 1.48e6, 3.95e9),
        INVLINT: (0.00703, 0.000537, 0.9370, 0.16e6, 96.10e6),
    },
}
MARGIN = 0.1
"""Relative difference up to which results are called comparable here; the paper gives no number."""


def main_studies() -> list[StudySpec]:
    """Return the studies of table 1 and of the figures of maps."""
    return [_table_1(), *(_figure(*one) for one in FIGURES)]


def _table_1() -> StudySpec:
    return StudySpec(
        name="paper-table-1",
        collection="paper",
        title="Table 1: accuracy and size of three networks on four datasets",
        summary="errors, parameters and multiply-adds of InversionNet, VelocityGAN and InvLINT",
        reference=f"{PAPER}, table 1",
        cases=rows_on(DATASETS, NETWORKS),
        quantities=(*ERRORS, *COUNTS),
        published=tuple(
            value for dataset, rows in VALUES.items() for value in printed("table 1", dataset, rows, KEYS, CAVEATS)
        ),
        claims=tuple(_claims()),
        efforts=EFFORTS,
        notes=(
            "The paper prints FLOPs that are multiply-adds, so they stand beside our MACs.",
            "VelocityGAN's printed FLOPs count one pass of the discriminator, which a prediction does not need.",
            "In profile quick every network trains for the same time, 100 s, not for its published recipe.",
        ),
    )


def _claims() -> list[Claim]:
    source = "section 4.2"
    claims = []
    for dataset in DATASETS:
        claims.append(
            Claim(
                kind="better",
                text=f"InvLINT has a lower MAE than InversionNet on {dataset}",
                source=source,
                quantity="mae",
                block=dataset,
                first=INVLINT,
                others=(INVERSIONNET,),
            )
        )
        claims.append(
            Claim(
                kind="close",
                text=f"InvLINT's MAE is comparable to InversionNet's or better on {dataset}: at most 10 % higher",
                source="abstract",
                quantity="mae",
                block=dataset,
                first=INVLINT,
                others=(INVERSIONNET,),
                bound=MARGIN,
            )
        )
        for key, title in (("mse", "MSE"), ("ssim", "SSIM")):
            better = dataset in (MARMOUSI, RESERVOIR)
            first, other = (INVLINT, INVERSIONNET) if better else (INVERSIONNET, INVLINT)
            claims.append(
                Claim(
                    kind="better",
                    text=f"{first} is better than {other} by {title} on {dataset}",
                    source=source,
                    quantity=key,
                    block=dataset,
                    first=first,
                    others=(other,),
                )
            )
        share = {LEAKAGE: 9.4, MARMOUSI: 5.9, SALT: 11.8, RESERVOIR: 53.3}[dataset]
        claims.append(
            Claim(
                kind="ratio",
                text=f"InvLINT has {share} % of InversionNet's parameters on {dataset}, or fewer",
                source="table 1",
                quantity="parameters",
                block=dataset,
                first=INVERSIONNET,
                others=(INVLINT,),
                # the printed percentage is rounded
                bound=1 / ((share + 0.05) / 100),
            )
        )
        share = {LEAKAGE: 7.9, MARMOUSI: 4.9, SALT: 18.5, RESERVOIR: 8.0}[dataset]
        claims.append(
            Claim(
                kind="ratio",
                text=f"InvLINT takes {share} % of InversionNet's FLOPs on {dataset}, or fewer",
                source="table 1",
                quantity="macs",
                block=dataset,
                first=INVERSIONNET,
                others=(INVLINT,),
                bound=1 / ((share + 0.05) / 100),
            )
        )
    claims += [
        Claim(
            kind="best",
            text="VelocityGAN is the most accurate network on marmousi",
            source=source,
            quantity="mae",
            block=MARMOUSI,
            first=VELOCITYGAN,
        ),
        Claim(
            kind="ratio",
            text="VelocityGAN does not converge on salt: its MAE is at least ten times InversionNet's",
            source=source,
            quantity="mae",
            block=SALT,
            first=VELOCITYGAN,
            others=(INVERSIONNET,),
            bound=10.0,
        ),
    ]
    return claims


FIGURES = (
    ("3", DATASETS),
    ("6", (LEAKAGE,)),
    ("7", (MARMOUSI,)),
    ("8", (SALT,)),
    ("9", (RESERVOIR,)),
)


def _figure(number: str, datasets: tuple[str, ...]) -> StudySpec:
    """A figure of maps, from the runs of table 1."""
    shown = {INVERSIONNET: NETWORKS[INVERSIONNET], INVLINT: NETWORKS[INVLINT]}
    return StudySpec(
        name=f"paper-figure-{number}",
        collection="paper",
        title=f"Figure {number}: true and predicted maps" + ("" if len(datasets) > 1 else f" of {datasets[0]}"),
        summary="maps of InversionNet and InvLINT beside the truth, from the runs of table 1",
        reference=f"{PAPER}, figure {number}",
        cases=rows_on(datasets, shown),
        quantities=ERRORS,
        figure="panels",
        efforts=EFFORTS,
    )
