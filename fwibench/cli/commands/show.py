"""`show`: the details of a run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from fwibench.cli.console.output import print_json, print_table, warn
from fwibench.cli.options import Json, Run
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.registry import open_registry
from fwibench.errors import RecordError
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Costs, Origin, Record, read_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.machine.load import Load
from fwibench.text.readable import counted, show_count, show_number, show_seconds

BUSY_TIMES = "on a busy machine"
"""Marks a time that was measured while other processes used the cores."""


def show(
    run: Run,
    results: ResultsOption = Path("results"),
    mae: Annotated[
        bool,
        typer.Option(
            "--mae", help="For an iterative method: also show the MAE of the models after each frequency band."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Show a run: options, scores, costs, diagnostics and environment."""
    folder = Results(results).run(run)
    record = read_record(RunFiles(folder).record)
    from fwibench.runs.scoring.convergence import describe_convergence

    try:
        bands = describe_convergence(record, folder, open_registry() if mae else None)
    except RecordError as error:
        warn(f"{error.message}; {error.hint}")
        bands = []
    if json:
        print_json({**record.model_dump(mode="json"), "bands": [asdict(band) for band in bands]})
        return
    print_table("", ("", ""), [[name, value] for name, value in _facts(record, folder) if value])
    if bands:
        header = ("band", "iterations", "first misfit", "last misfit", "time", f"MAE [{record.unit}]")
        rows = [
            [
                b.name,
                str(b.iterations),
                show_number(b.first),
                show_number(b.last),
                show_seconds(b.seconds),
                show_number(b.mae),
            ]
            for b in bands
        ]
        print_table("inversion, mean over the samples", header, rows, right=header[1:])


def _facts(record: Record, folder: Path) -> list[tuple[str, str]]:
    cell, complexity, costs = record.cell, record.complexity, record.costs
    return [
        ("run", record.run_id),
        ("status", f"{record.status} {record.reason}".strip()),
        ("notes", "; ".join(record.notes)),
        ("method", _method(record)),
        *_origin(record.origin),
        ("options", _pairs(cell.options)),
        ("dataset", f"{cell.place} ({record.source}), split {cell.split}, profile {cell.profile}, seed {cell.seed}"),
        ("applied model", f"of {cell.model}" if cell.model else ""),
        ("members", " ".join(cell.members)),
        ("SHA-256 of the model", record.model_sha256),
        ("samples", _samples(record)),
        ("unit of the property", record.unit),
        *((name, show_number(value, 5)) for name, value in record.scores.items()),
        *((name, show_number(value, 5)) for name, value in record.diagnostics.items()),
        ("costs", "stated by those who made the predictions" if record.costs_source == "stated" else ""),
        ("parameters", show_count(complexity.parameters)),
        ("closed-form parameters", show_count(complexity.parameters_closed_form)),
        ("fixed parameters", show_count(complexity.parameters_fixed)),
        (
            "FLOPs of one sample",
            f"{show_count(complexity.flops)} ({complexity.flops_kind or 'stated'})" if complexity.flops else "",
        ),
        ("not counted", ", ".join(complexity.uncounted)),
        ("fit", _fit(record)),
        ("fits of the members", show_seconds(costs.members_fit_s)),
        ("time budget of the fit", show_seconds(cell.budget)),
        ("samples seen in training", show_count(costs.samples_seen)),
        ("predict test split", show_seconds(costs.predict_s)),
        ("one sample, one CPU thread", f"{show_number(costs.predict_ms_cpu1, 3)} ms" if costs.predict_ms_cpu1 else ""),
        ("throughput", _throughput(costs)),
        ("peak memory", f"{show_number(costs.peak_memory_mb)} MB" if costs.peak_memory_mb else ""),
        ("peak GPU memory", f"{show_number(costs.peak_device_memory_mb)} MB" if costs.peak_device_memory_mb else ""),
        ("epochs or iterations", str(len(record.history)) if record.history else ""),
        ("load of the machine", _load(record.load)),
        ("ran beside", counted(record.beside, "other cell") if record.beside else ""),
        ("started", record.started),
        ("duration", show_seconds(record.wall_s)),
        ("device", record.device),
        *((name, _plain(value)) for name, value in record.environment.items()),
        ("files", str(folder)),
    ]


def _method(record: Record) -> str:
    plugin = f" from {record.plugin}" if record.plugin else ""
    return f"{record.cell.method} {record.cell.method_version}{plugin} ({record.kind}, track {record.track})"


def _origin(origin: Origin | None) -> list[tuple[str, str]]:
    if origin is None:
        return []
    return [
        ("reference", origin.reference),
        ("predictions", f"made elsewhere, from {origin.file}"),
        ("SHA-256 of the predictions", origin.sha256),
        ("truth", f"of a file with the SHA-256 {origin.truth_sha256}" if origin.truth_sha256 else "of the dataset"),
    ]


def _samples(record: Record) -> str:
    counts = {"train": record.n_train, "val": record.n_val, "test": record.n_test}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count is not None)


def _fit(record: Record) -> str:
    threads = record.costs.fit_threads
    busy = BUSY_TIMES if "fit_s" in record.disturbed else ""
    parts = (counted(threads, "thread") if threads else "", record.costs.fit_precision or "", busy)
    seconds, more = show_seconds(record.costs.fit_s), ", ".join(filter(None, parts))
    return f"{seconds} ({more})" if seconds and more else seconds


def _load(load: Load | None) -> str:
    if load is None:
        return ""
    parts = []
    if load.others is not None:
        parts.append(f"other processes used {show_number(load.others, 2)} of {load.cores} cores")
        parts += ["all times are longer than on an idle machine"] if load.busy else []
    if load.start is not None and load.end is not None:
        parts.append(f"load average {load.start:g} at the start, {load.end:g} at the end")
    return "; ".join(parts)


def _throughput(costs: Costs) -> str:
    if costs.throughput_per_s is None:
        return ""
    batch = f" at batch {costs.throughput_batch}" if costs.throughput_batch else ""
    return f"{show_number(costs.throughput_per_s)} samples/s{batch}"


def _pairs(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return _pairs(value)
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
