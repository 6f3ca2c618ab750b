"""Records of one cell, seed by seed, to a row.

Invariant: rows are made of records alone; figures are means over the seeds that are ok.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any
from urllib.parse import quote, unquote

from fwibench.leaderboard.columns import COLUMNS
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.record import Record

GROUP = ("dataset", "source", "split", "track", "profile", "n_test")
"""Rows that agree in these are ranked together."""

Row = dict[str, Any]


def identity(record: Record, base: Record | None = None, *, common: bool = False) -> str:
    """Return what the records of one row agree in.

    Of the options those count that differ from the profile's: a record does not know options that were added later.

    Args:
        record: Any.
        base: Of the run that it builds on, whose seed does not matter either.
        common: Whether it does not matter how many test samples were asked for.
    """
    without = {"seed", "dataset_options", "options", "non_default"} | ({"test_samples"} if common else set())
    content = [(one.cell.model_dump(mode="json", exclude=without), one.chosen) for one in (record, base) if one]
    if base:
        content[0][0]["base"] = ""
    return json.dumps([content, record.source, record.track], sort_keys=True)


def make_row(records: list[Record], base: Record | None = None) -> Row:
    """One row; figures are means over the seeds that are ok.

    Args:
        records: Of one cell but for the seed.
        base: Of the run that the first builds on.
    """
    good = [record for record in records if record.status == "ok"]
    first = (good or records)[0]
    cell = first.cell

    def mean(read: Callable[[Record], float | None]) -> float | None:
        values = [value for record in good if (value := read(record)) is not None]
        return fmean(values) if values else None

    def score(name: str) -> float | None:
        return mean(lambda record: record.scores.get(name))

    complexity = first.complexity
    row: Row = dict.fromkeys(COLUMNS)
    row.update(
        method=cell.method,
        method_version=cell.method_version,
        plugin=first.plugin,
        options=format_options(first.chosen | (_below(first, base) if base else {})),
        dataset=variant(cell),
        source=first.source,
        split=cell.split,
        track=first.track,
        profile=cell.profile,
        n_train=first.n_train,
        n_test=first.n_test,
        seeds=len(good),
        mae=score("mae"),
        mse=score("mse"),
        rmse=score("rmse"),
        ssim=score("ssim"),
        ssim_wang=score("ssim-wang"),
        data_misfit=score("data-misfit"),
        parameters=complexity.parameters,
        parameters_closed_form=complexity.parameters_closed_form,
        flops=complexity.flops,
        macs=complexity.macs,
        flops_kind=complexity.flops_kind,
        fit_s=mean(lambda record: record.costs.fit_s),
        predict_ms_cpu1=mean(lambda record: record.costs.predict_ms_cpu1),
        throughput_per_s=mean(lambda record: record.costs.throughput_per_s),
        peak_memory_mb=mean(lambda record: record.costs.peak_memory_mb),
        device=first.device or None,
        status="ok" if good else first.status,
        n_failed=len(records) - len(good),
        fwibench_version=first.environment.get("packages", {}).get("fwibench"),
        run_ids=join_runs(record.run_id for record in records),
        date_utc=max(record.started for record in records),
        unit=first.unit or None,
    )
    return row


def join_runs(names: Iterable[str]) -> str:
    """Names of runs, separated by blanks; a blank or a percent sign within a name is written as in a URL."""
    return " ".join(re.sub(r"[\s%]", lambda found: quote(found[0]), name) for name in names)


def split_runs(text: str) -> list[str]:
    """The names that `join_runs` joined."""
    return list(map(unquote, text.split()))


def _below(record: Record, base: Record) -> dict[str, str]:
    """The option that names the base, with what was chosen for that: `base=inversionnet[precision=bf16]`."""
    name, chosen = base.cell.method, format_options(base.chosen)
    return {option: f"{name}[{chosen}]" for option, value in record.cell.options.items() if chosen and value == name}


def variant(cell: Cell) -> str:
    """The dataset with the options that make it another one; where its files lie is the source's business."""
    options = {name: value for name, value in cell.dataset_options.items() if name != "path" and not _is_place(value)}
    return f"{cell.dataset}[{format_options(options)}]" if options else cell.dataset


def _is_place(value: object) -> bool:
    """Whether a value is an absolute path: options that name files or folders are made absolute when they are read."""
    return isinstance(value, str) and Path(value).is_absolute()


def with_fingerprint(name: str, fingerprint: str) -> str:
    """A dataset among others of its name and other data: `salt@1a2b3c4d`."""
    return f"{name}@{fingerprint[:8]}"


def label(row: Mapping[str, Any]) -> str:
    """The method as it is written in `--methods`: `name[alpha=10]`."""
    return f"{row['method']}[{row['options']}]" if row["options"] else str(row["method"])


def format_options(options: dict[str, Any]) -> str:
    """Options as they are written in `--methods`: `alpha=10,scaling=sum`."""
    return ",".join(f"{name}={value}" for name, value in sorted(options.items()))
