"""Controls: is it the kernels that make the relation linear, and which part of a map is recovered?"""

from __future__ import annotations

from fwibench import Case, Claim, Effort, Quantity, StudySpec
from fwibench_studies.beyond.robustness import DATASETS as TWO
from fwibench_studies.beyond.robustness import INVERSIONNET, INVLINT, METHODS
from fwibench_studies.paper.linearity import LINEAR
from fwibench_studies.paper.main import EFFORTS
from fwibench_studies.paper.parts import LEAKAGE, MARMOUSI, RESERVOIR, SALT

SINES, RANDOM, RAW = "sine kernels", "random kernels", "raw data"
ENCODERS = {
    SINES: "invlint[alpha=val,max_batches=1]",
    RANDOM: "invlint[encoder_kernel=random-t,alpha=val,max_batches=1]",
    RAW: "invlint[encoder_kernel=raw,alpha=val,max_batches=1]",
}
SEISMIC = (LEAKAGE, MARMOUSI, SALT)
RESOLUTION = (
    "mae-shallow",
    "mae-middle",
    "mae-deep",
    "mae-edges",
    "mae-inside",
    "error-low",
    "error-mid",
    "error-high",
)


def control_studies() -> list[StudySpec]:
    """Return the study of near-linearity and that of resolution."""
    return [_near_linearity(), _resolution()]


def _near_linearity() -> StudySpec:
    cases = [
        Case(row=row, method=method, dataset=dataset, reads={"r2": "diagnostics.ridge_r2_test"})
        for dataset in SEISMIC
        for row, method in ENCODERS.items()
    ]
    cases.append(
        Case(row=RAW, method=ENCODERS[SINES], dataset=RESERVOIR, reads={"r2": "diagnostics.ridge_r2_test"}),
    )
    claims = [
        Claim(
            kind="at-least",
            text=f"A U explains Y on {dataset} with {row}: R2 on test samples is at least {LINEAR}",
            quantity="r2",
            block=dataset,
            first=row,
            bound=LINEAR,
        )
        for dataset in SEISMIC
        for row in ENCODERS
    ]
    claims += [
        Claim(
            kind="better",
            text=f"sine kernels make the relation more linear than {row} on {dataset}",
            quantity="r2",
            block=dataset,
            first=SINES,
            others=(row,),
        )
        for dataset in SEISMIC
        for row in (RANDOM, RAW)
    ]
    return StudySpec(
        name="near-linearity",
        title="Near-linearity with and without the paper's kernels",
        summary="share of the variance of Y that a ridge regression on integrals or raw data explains",
        reference="InvLINT, ICML 2022, abstract and table 11",
        cases=tuple(cases),
        quantities=(Quantity(key="r2", title="R2 of A U on test samples", better="high"),),
        claims=tuple(claims),
        efforts={"smoke": Effort(), "quick": Effort(), "paper": Effort(seeds=3)},
        notes=("The penalty is chosen on val for all. EM data are not integrated, so they have one row.",),
    )


def _resolution() -> StudySpec:
    return StudySpec(
        name="resolution",
        title="Which part of a map is recovered",
        summary="errors by depth, at edges and inside bodies, and by wavenumber band",
        cases=tuple(
            Case(row=row, method=method, dataset=dataset)
            for dataset in TWO
            for row, method in {**METHODS, "mean map": "mean-map"}.items()
        ),
        quantities=tuple(Quantity(key=name.replace("-", "_")) for name in RESOLUTION),
        metrics=RESOLUTION,
        claims=tuple(
            Claim(
                kind="better",
                text=f"InversionNet has a lower {name} error than InvLINT on {dataset}",
                quantity=name.replace("-", "_"),
                block=dataset,
                first=INVERSIONNET,
                others=(INVLINT,),
            )
            for dataset in (SALT, MARMOUSI)
            for name in ("mae-edges", "error-high")
        ),
        efforts=EFFORTS,
        figure="resolution",
    )
