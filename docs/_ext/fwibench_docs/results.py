"""Rows of `results/leaderboard.csv` for the cards."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from fwibench_docs import markdown

ROOT = Path(__file__).parents[3]
NOTE = (
    "Measured with profile `quick` on two cores of a CPU; a rank of 1 is shared by all methods that are statistically "
    "indistinguishable from the best. Rows with different numbers of test samples are not comparable. "
    "[All tables, and what they can be trusted for](../../results.md)."
)


@cache
def leaderboard_rows() -> tuple[dict[str, str], ...]:
    """Return the recorded leaderboard, a mapping from column to text for each row."""
    with (ROOT / "results" / "leaderboard.csv").open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))


def recorded_table(column: str, value: str, other: str) -> str:
    """Return the recorded rows of one method or dataset as Markdown; empty if there are none.

    Args:
        column: `method` or `dataset`.
        value: Its name.
        other: The column that tells the rows apart, `dataset` or `method`.
    """
    rows = [row for row in leaderboard_rows() if row[column] == value]
    if not rows:
        return ""
    rows.sort(key=lambda row: (row["dataset"], row["split"], row["track"], -int(row["n_test"]), float(row["mae"])))
    header = (other, "options", "split", "track", "test samples", "seeds", "rank", "MAE", "95 % interval", "SSIM")
    cells = [
        (
            row[other],
            row["options"],
            row["split"],
            row["track"],
            row["n_test"],
            row["seeds"],
            row["rank"],
            f"{float(row['mae']):.4g} {row['unit']}",
            f"{float(row['mae_ci_low']):.4g} to {float(row['mae_ci_high']):.4g}",
            f"{float(row['ssim']):.3f}",
        )
        for row in rows
    ]
    return markdown.table(header, cells, align_right=(4, 5, 6, 7, 8, 9)) + "\n" + NOTE
