"""The leaderboard as people read it: a table for each group of rows that are ranked together."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from fwibench.leaderboard.rows import GROUP, Row, label
from fwibench.text.readable import show_count, show_number, show_seconds


@dataclass(frozen=True)
class Table:
    """Texts.

    Attributes:
        title: What the rows have in common.
        header: Names of the columns.
        right: Those that hold numbers.
        rows: Cells, as many as the header has.
    """

    title: str
    header: tuple[str, ...]
    right: tuple[str, ...]
    rows: list[list[str]]


def present(
    rows: Sequence[Mapping[str, Any]], units: Mapping[str, str], busy: Container[str] = frozenset()
) -> list[Table]:
    """Tables of the groups.

    Args:
        rows: Leaderboard rows, group by group.
        units: Unit of the property, by dataset as in the rows.
        busy: `run_ids` of the rows whose times are marked by `*`: other processes used the cores.
    """
    tables = []
    for _, group in groupby(rows, key=lambda row: tuple(row[name] for name in GROUP)):
        ranked = list(group)
        shared = sum(row["rank"] == 1 for row in ranked) > 1
        cells = [_cells(row, shared=shared, busy=row["run_ids"] in busy) for row in ranked]
        names = [f"{name} [{units.get(ranked[0]['dataset'], '')}]" if name == "MAE" else name for name in cells[0]]
        right = tuple(name for name in names if name not in ("method", "device", "status"))
        title = _title(ranked[0]) + ("; 1= cannot be told from the best" if shared else "")
        tables.append(Table(title, tuple(names), right, [list(row.values()) for row in cells]))
    return tables


def _title(row: Mapping[str, Any]) -> str:
    start = f"{row['dataset']} ({row['source']})"
    if row["status"] == "published":
        return f"{start}, as printed, not ranked"
    return (
        f"{start}, split {row['split']}, track {row['track']}, profile {row['profile']}, "
        f"{row['n_test'] or 'no'} test samples"
    )


def _cells(row: Mapping[str, Any], *, shared: bool, busy: bool) -> dict[str, str]:
    failed = f" ({row['n_failed']} not ok)" if row["n_failed"] and row["status"] == "ok" else ""
    rank = row["rank"]
    ends = [row["mae_ci_low"], row["mae_ci_high"]]
    return {
        "rank": "" if rank is None else f"{rank}=" if shared and rank == 1 else str(rank),
        "method": label(row),
        "seeds": "" if row["seeds"] is None else str(row["seeds"]),
        "MAE": show_number(row["mae"]),
        "95 %": "" if None in ends else " to ".join(map(show_number, ends)),
        "MSE": show_number(row["mse"]),
        "SSIM": show_number(row["ssim"]),
        "params": show_count(row["parameters"]),
        "closed form": show_count(row["parameters_closed_form"]),
        "FLOPs": show_count(row["flops"]),
        "fit": _marked(show_seconds(row["fit_s"]), busy=busy),
        "predict [ms]": _marked(show_number(row["predict_ms_cpu1"], 3), busy=busy),
        "device": row["device"] or "",
        "status": row["status"] + failed,
    }


def _marked(text: str, *, busy: bool) -> str:
    return f"{text}*" if text and busy else text


def units_of(rows: Sequence[Row]) -> dict[str, str]:
    """Unit of the property, by dataset as in the rows."""
    units: dict[str, str] = {}
    for row in rows:
        units[row["dataset"]] = units.get(row["dataset"]) or row["unit"] or ""
    return units
