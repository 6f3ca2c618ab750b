"""Parts that the paper's studies share: datasets, quantities, work, and printed rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fwibench import Case, Effort, PublishedValue, Quantity

PAPER = "InvLINT, ICML 2022"
LEAKAGE, MARMOUSI, SALT, RESERVOIR = "kimberlina-leakage", "marmousi", "salt", "kimberlina-reservoir"
TWIN = "errors depend on the data, and ours are synthetic: only the order of rows can be expected to agree"
"""Caveat of errors."""
MULTIPLY_ADDS = "below a lower bound of convolutional networks with the printed number of parameters"
"""Caveat of the printed FLOPs of convolutional networks."""

ERRORS = (Quantity(key="mae"), Quantity(key="mse"), Quantity(key="ssim"))
COUNTS = (Quantity(key="parameters", title="parameters", exact=True), Quantity(key="macs", title="MACs", exact=True))

ABLATION = {
    "smoke": Effort(),
    "quick": Effort(
        seeds=2,
        settings={"invlint": {"max_batches": 2000}},
        settings_on={
            LEAKAGE: {"invlint": {"max_batches": 150}},
            MARMOUSI: {"invlint": {"max_batches": 500}},
        },
    ),
    "paper": Effort(seeds=3),
}
"""Work of the ablations: enough gradient steps to order the rows, which all have the same number of them."""


def rows_on(
    datasets: Sequence[str], rows: Mapping[str, str], reads: Mapping[str, str] | None = None
) -> tuple[Case, ...]:
    """Return the cases of some rows on each of some datasets.

    Args:
        datasets: Names of the datasets.
        rows: Methods by label of the row.
        reads: See `Case.reads`.
    """
    return tuple(
        Case(row=label, method=method, dataset=dataset, reads=dict(reads or {}))
        for dataset in datasets
        for label, method in rows.items()
    )


def half_unit(count: float) -> float:
    """Return half a unit of the last digit of a count that is printed in millions or thousands of millions."""
    return 5e6 if count >= 1e9 else 5e3


def printed(
    source: str,
    block: str,
    rows: Mapping[str, Sequence[float | None]],
    quantities: Sequence[str] = ("mae", "mse", "ssim"),
    caveats: Mapping[str, str] | None = None,
) -> tuple[PublishedValue, ...]:
    """Return the printed numbers of a table.

    Args:
        source: Where they are printed, such as `table 2`.
        block: Block of the rows.
        rows: Numbers by label of the row, in the order of `quantities`; None where none is printed.
        quantities: Keys of the quantities.
        caveats: Caveats by quantity; `TWIN` for errors by default.
    """
    known = dict.fromkeys(("mae", "mse", "ssim"), TWIN) if caveats is None else dict(caveats)
    return tuple(
        PublishedValue(
            block=block,
            row=row,
            quantity=key,
            value=value,
            source=source,
            rounding=half_unit(value) if key in ("parameters", "macs") else 0.0,
            caveat=known.get(key, ""),
        )
        for row, values in rows.items()
        for key, value in zip(quantities, values, strict=True)
        if value is not None
    )
