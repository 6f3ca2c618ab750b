"""Error against training samples and training time, and measured times against counted operations."""

from __future__ import annotations

from fwibench import Case, Claim, Effort, Quantity, StudySpec
from fwibench_studies.beyond.robustness import INVERSIONNET, INVLINT, METHODS, RIDGE
from fwibench_studies.paper.ablations import DECODERS
from fwibench_studies.paper.costs import ONE_PASS
from fwibench_studies.paper.main import FAST, NETWORKS, VELOCITYGAN
from fwibench_studies.paper.parts import COUNTS, MARMOUSI, SALT

TRAIN_SAMPLES = {SALT: (15, 30, 60, 120), MARMOUSI: (50, 100, 200, 400, 800)}
MINUTE = 60.0
BUDGETS = {"10 s": 10.0, "30 s": 30.0, "100 s": 100.0}
"""Times of fits [s]; the longest is that of table 1 in profile quick."""


def effort_studies() -> list[StudySpec]:
    """Return the studies of samples, minutes and operations."""
    return [_learning_curve(), _budget(), _calibration()]


def _learning_curve() -> StudySpec:
    return StudySpec(
        name="learning-curve",
        title="Error against the number of training samples",
        summary="error of methods on nested train splits, and the exponent b of the fitted power law error = c n^-b",
        cases=tuple(
            Case(
                row=row,
                column=f"n = {n}",
                x=n,
                method=method,
                dataset=dataset if n == sizes[-1] else f"{dataset}[train_samples={n}]",
                block=dataset,
            )
            for dataset, sizes in TRAIN_SAMPLES.items()
            for row, method in METHODS.items()
            for n in sizes
        ),
        quantities=(Quantity(key="mae"), Quantity(key="ssim")),
        efforts={
            "smoke": Effort(),
            "quick": Effort(budget=20.0, settings=FAST),
            "paper": Effort(seeds=3, settings=FAST),
        },
        figure="curves",
        row_summary="power-law",
        x_label="training samples",
        logarithmic=True,
        notes=("In profile quick every network trains for 20 s, whatever the number of samples.",),
    )


def _budget() -> StudySpec:
    names = (SALT, MARMOUSI)
    return StudySpec(
        name="budget",
        title="Error against minutes of training",
        summary="error of networks that are given the same time of training on the same machine",
        cases=tuple(
            Case(row=row, column=label, x=seconds / MINUTE, method=method, dataset=dataset, budget=seconds)
            for dataset in names
            for row, method in NETWORKS.items()
            for label, seconds in BUDGETS.items()
        ),
        quantities=(Quantity(key="mae"), Quantity(key="samples_seen", title="samples seen", better="high")),
        claims=tuple(
            Claim(
                kind="better",
                text=f"InvLINT has a lower MAE than {other} after {label} of training on {dataset}",
                quantity="mae",
                block=dataset,
                first=INVLINT,
                others=(other,),
                column=label,
            )
            for dataset in names
            for other in (INVERSIONNET, VELOCITYGAN)
            for label in ("10 s", "100 s")
        ),
        efforts={"smoke": Effort(), "quick": Effort(settings=FAST), "paper": Effort(seeds=3, settings=FAST)},
        figure="curves",
        x_label="training time [min]",
        logarithmic=True,
    )


def _calibration() -> StudySpec:
    decoders = {f"InvLINT, {row}": method for row, method in DECODERS.items() if method != NETWORKS[INVLINT]}
    methods = {**NETWORKS, **decoders, RIDGE: "pixel-ridge"}
    return StudySpec(
        name="calibration",
        title="Measured times against counted operations",
        summary="latency on one CPU thread and training time of one epoch beside parameters and multiply-adds",
        cases=tuple(
            Case(row=row, method=method, dataset=dataset)
            for dataset in (SALT, MARMOUSI)
            for row, method in methods.items()
        ),
        quantities=(
            Quantity(key="predict_ms_cpu1", title="one sample [ms]"),
            Quantity(key="fit_s", title="training"),
            *COUNTS,
        ),
        efforts={
            "smoke": Effort(seeds=2),
            "quick": Effort(seeds=2, settings=ONE_PASS),
            "paper": Effort(seeds=3),
        },
        figure="scatter",
        notes=("Networks make one pass over the train split in profile quick, so errors say nothing.",),
    )
