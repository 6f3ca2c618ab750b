"""Table 11, figure 5 and the claim of the abstract: the relation of the integrals is nearly linear."""

from __future__ import annotations

from fwibench import Case, Claim, Effort, PublishedValue, Quantity, StudySpec
from fwibench_studies.paper.main import DATASETS
from fwibench_studies.paper.parts import LEAKAGE, MARMOUSI, PAPER, RESERVOIR, SALT, TWIN, rows_on

TRAIN, TEST = "training set", "test set"
SETS = {TRAIN: "train", TEST: "test"}
DIAGNOSTICS = {
    "mae_y": ("MAE of Y", "ridge_mae"),
    "mse_y": ("MSE of Y", "ridge_mse"),
    "range": ("ymax - ymin", "y_range"),
    "mean": ("|ymean|", "y_abs_mean"),
    "r2": ("R2 of A U", "ridge_r2"),
}
TABLE_11 = {
    LEAKAGE: {TRAIN: (2.83, 45.48, 884.4, 490.93), TEST: (4.63, 245.09, 885.27, 492.65)},
    MARMOUSI: {TRAIN: (4.26, 33.38, 107.05, 4.92), TEST: (4.29, 33.9, 103.01, 5.1)},
    SALT: {TRAIN: (0.28, 0.46, 51.3, 12.11), TEST: (0.48, 1.98, 49.35, 11.97)},
    RESERVOIR: {TRAIN: (169.25, 2607.27, 26497.1, 7197.4873), TEST: (212.64, 109288.08, 26496.956, 6849.95)},
}
SOLVED_ONLY = "invlint[alpha=1,max_batches=1]"
"""The regression does not depend on the decoder, which is trained for one batch."""
LINEAR = 0.9
"""R2 from which the relation is called nearly linear here; the paper gives no threshold."""
LIGHT = {"smoke": Effort(), "quick": Effort(), "paper": Effort()}


def linearity_studies() -> list[StudySpec]:
    """Return the studies of the encoder's regression."""
    return [_table_11(), _figure_5()]


def _table_11() -> StudySpec:
    quantities = [
        Quantity(key=key, title=title, better="high" if key == "r2" else "low")
        for key, (title, _) in DIAGNOSTICS.items()
    ]
    cases = tuple(
        Case(
            row=row,
            method=SOLVED_ONLY,
            dataset=dataset,
            reads={key: f"diagnostics.{name}_{split}" for key, (_, name) in DIAGNOSTICS.items()},
        )
        for dataset in DATASETS
        for row, split in SETS.items()
    )
    published = tuple(
        PublishedValue(block=dataset, row=row, quantity=key, value=value, source="table 11", caveat=TWIN)
        for dataset, rows in TABLE_11.items()
        for row, values in rows.items()
        for key, value in zip(DIAGNOSTICS, values, strict=False)
    )
    return StudySpec(
        name="paper-table-11",
        collection="paper",
        title="Table 11: regression of the encoder",
        summary="errors of A U against Y, the range and mean of Y, and the explained share of its variance",
        reference=f"{PAPER}, table 11",
        cases=cases,
        quantities=(quantities[-1], *quantities[:-1]),
        published=published,
        claims=tuple(
            Claim(
                kind="at-least",
                text=f"the relation is nearly linear on {dataset}: R2 on test samples is at least {LINEAR}",
                source="abstract",
                quantity="r2",
                block=dataset,
                first=TEST,
                bound=LINEAR,
            )
            for dataset in DATASETS
        ),
        efforts=LIGHT,
        notes=("R2 is not printed in the paper; its errors beside the range say the same.",),
    )


def _figure_5() -> StudySpec:
    row = "singular values of A"
    return StudySpec(
        name="paper-figure-5",
        collection="paper",
        title="Figure 5: singular values of the encoder's linear layer",
        summary="singular values of A, each dataset's divided by the largest",
        reference=f"{PAPER}, figure 5",
        cases=rows_on(DATASETS, {row: SOLVED_ONLY}, {"dimensions": "diagnostics.essential_dimensions"}),
        quantities=(Quantity(key="dimensions", title="essential dimensions", better="low", exact=True),),
        claims=(
            *(
                Claim(
                    kind="at-most",
                    text=f"fewer than 100 dimensions are essential on {dataset}",
                    source="section 4.4",
                    quantity="dimensions",
                    block=dataset,
                    first=row,
                    bound=99,
                )
                for dataset in DATASETS
            ),
            Claim(
                kind="at-most",
                text=f"ten dimensions are enough on {RESERVOIR}",
                source="section 4.4",
                quantity="dimensions",
                block=RESERVOIR,
                first=row,
                bound=10,
            ),
        ),
        figure="spectrum",
        efforts=LIGHT,
    )
