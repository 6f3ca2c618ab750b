"""The leaderboard as people read it."""

from __future__ import annotations

from itertools import groupby

from fwibench.cli.output import print_table, show_count, show_number, show_seconds
from fwibench.leaderboard.rows import GROUP, Row
from fwibench.runs.record import Record

OPTIONAL = ("closed form", "device", "seeds", "rank", "MSE", "FLOPs")


def print_leaderboard(rows: list[Row], units: dict[str, str]) -> None:
    """One table for each group of rows that are ranked together.

    Args:
        rows: Leaderboard rows.
        units: Unit of the property, by dataset.
    """
    for group, ranked in groupby(rows, key=lambda row: tuple(row[name] for name in GROUP)):
        dataset, source, split, track, profile, n_test = group
        unit = units.get(dataset.partition("[")[0], "")
        title = f"{dataset} ({source}), split {split}, track {track}, profile {profile}, {n_test or 'no'} test samples"
        numbers = (
            "rank",
            "seeds",
            f"MAE [{unit}]",
            "MSE",
            "SSIM",
            "params",
            "closed form",
            "FLOPs",
            "fit",
            "predict [ms]",
        )
        header = (numbers[0], "method", *numbers[1:], "device", "status")
        print_table(title, header, [_cells(row) for row in ranked], right=numbers, optional=OPTIONAL)


def _cells(row: Row) -> list[str]:
    failed = f" ({row['n_failed']} not ok)" if row["n_failed"] and row["status"] == "ok" else ""
    return [
        "" if row["rank"] is None else str(row["rank"]),
        row["method"] + (f"[{row['options']}]" if row["options"] else ""),
        str(row["seeds"]),
        show_number(row["mae"]),
        show_number(row["mse"]),
        show_number(row["ssim"]),
        show_count(row["parameters"]),
        show_count(row["parameters_closed_form"]),
        show_count(row["flops"]),
        show_seconds(row["fit_s"]),
        show_number(row["predict_ms_cpu1"], 3),
        row["device"] or "",
        row["status"] + failed,
    ]


def units_of(records: list[Record]) -> dict[str, str]:
    """Unit of the property, by dataset."""
    return {record.cell.dataset: record.unit for record in records}
