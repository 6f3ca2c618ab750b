"""Sections 4.2 and 4.5: time of training and inference, and comparison with waveform inversion."""

from __future__ import annotations

from fwibench import Case, Claim, Effort, PublishedValue, Quantity, StudySpec
from fwibench_studies.paper.main import INVERSIONNET, INVLINT, NETWORKS, VELOCITYGAN
from fwibench_studies.paper.parts import COUNTS, LEAKAGE, MARMOUSI, PAPER, SALT, printed, rows_on

FWI = "multiscale FWI"
FEW = 5
"""Test samples of section 4.5."""
HARDWARE = "of another machine: only the ratio can be expected to agree"
PREPARED = "neither the start models nor the number of iterations are published, and ours are synthetic maps"
ONE_PASS = {name: {"epochs": 1} for name in NETWORKS.values()}
"""As many passes over the data for all: what an epoch costs does not depend on their number."""


def cost_studies() -> list[StudySpec]:
    """Return the studies of sections 4.2 and 4.5."""
    return [_section_4_2(), _section_4_5()]


def _section_4_2() -> StudySpec:
    others = (INVERSIONNET, VELOCITYGAN)
    hours = {INVERSIONNET: 9, VELOCITYGAN: 9, INVLINT: 1}
    milliseconds = {INVERSIONNET: 80, VELOCITYGAN: 80, INVLINT: 5}
    return StudySpec(
        name="paper-section-4-2",
        collection="paper",
        title="Section 4.2: time of training and inference on marmousi",
        summary="training time, and latency of one sample on one CPU thread",
        reference=f"{PAPER}, section 4.2",
        cases=rows_on((MARMOUSI,), NETWORKS),
        quantities=(
            Quantity(key="predict_ms_cpu1", title="one sample [ms]"),
            Quantity(key="fit_s", title="training"),
            *COUNTS,
        ),
        published=tuple(
            PublishedValue(block=MARMOUSI, row=row, quantity=key, value=value, source="section 4.2", caveat=HARDWARE)
            for row in NETWORKS
            for key, value in (("predict_ms_cpu1", milliseconds[row]), ("fit_s", 3600.0 * hours[row]))
        ),
        claims=tuple(
            Claim(
                kind="ratio",
                text=f"InvLINT is {bound} times faster than {other} {what}",
                source="section 4.2",
                quantity=key,
                block=MARMOUSI,
                first=other,
                others=(INVLINT,),
                bound=bound,
            )
            for other in others
            for key, what, bound in (
                ("predict_ms_cpu1", "on one sample, on one CPU thread", 16),
                ("fit_s", "in training", 9),
            )
        ),
        efforts={
            "smoke": Effort(seeds=2),
            "quick": Effort(seeds=2, settings=ONE_PASS),
            "paper": Effort(seeds=3),
        },
        notes=(
            "In profile quick all networks make one pass over the train split, so errors say nothing; "
            "training times are compared at equal passes.",
        ),
    )


def _section_4_5() -> StudySpec:
    datasets = (LEAKAGE, MARMOUSI, SALT)
    rows = {
        LEAKAGE: {FWI: (42.0,), INVLINT: (11.7,)},
        MARMOUSI: {FWI: (199.5,), INVLINT: (140.7,)},
        SALT: {FWI: (176.6,), INVLINT: (26.1,)},
    }
    return StudySpec(
        name="paper-section-4-5",
        collection="paper",
        title="Section 4.5: InvLINT and multiscale waveform inversion on five samples",
        summary="waveform inversion from the mean training map beside InvLINT, on the same five test samples",
        reference=f"{PAPER}, section 4.5",
        cases=tuple(
            Case(row=row, method=method, dataset=dataset, test_samples=FEW)
            for dataset in datasets
            for row, method in ((FWI, "multiscale-fwi"), (INVLINT, "invlint"))
        ),
        quantities=(
            Quantity(key="mae"),
            Quantity(key="ssim"),
            Quantity(key="predict_ms_cpu1", title="one sample [ms]"),
        ),
        published=(
            *(
                value
                for dataset, numbers in rows.items()
                for value in printed("section 4.5", dataset, numbers, ("mae",), {"mae": PREPARED})
            ),
            PublishedValue(
                block=LEAKAGE,
                row=FWI,
                quantity="predict_ms_cpu1",
                value=4 * 3600e3,
                source="section 4.5",
                caveat="about 4 hours a sample on hardware that is not stated",
            ),
        ),
        claims=tuple(
            Claim(
                kind="better",
                text=f"InvLINT has a lower MAE than waveform inversion on {dataset}",
                source="section 4.5",
                quantity="mae",
                block=dataset,
                first=INVLINT,
                others=(FWI,),
            )
            for dataset in datasets
        ),
        efforts={
            "smoke": Effort(),
            "quick": Effort(
                settings_on={
                    LEAKAGE: {
                        "multiscale-fwi": {"iterations": 20, "step": 40, "damping": 1e-8, "tv": 0.003, "decrease": 0},
                        "invlint": {"max_batches": 150},
                    },
                    MARMOUSI: {"multiscale-fwi": {"iterations": 200}},
                },
            ),
            "paper": Effort(seeds=3),
        },
        notes=(f"{FEW} samples cannot show a significant difference: p is at least 0.06.",),
    )
