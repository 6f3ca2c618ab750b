"""`status`: the runs of a results folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from fwibench.boards.columns import columns_of
from fwibench.cli.console.output import print_json, print_line, print_table
from fwibench.cli.options import Json
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.records import read_records
from fwibench.cli.registry import open_registry
from fwibench.runs.artefacts.results import Results
from fwibench.text.readable import show_number, show_seconds


def status(results: ResultsOption = Path("results"), json: Json = False) -> None:
    """List the runs of a results folder: status, score, duration and reason."""
    records = read_records(Results(results), history=False)
    if json:
        print_json([{"run": r.run_id, "status": r.status, "reason": r.reason, "wall_s": r.wall_s} for r in records])
        return
    ranking = columns_of(open_registry()).ranking
    rows = [
        [r.run_id, r.status, show_number(r.scores.get(ranking.metric)), show_seconds(r.wall_s), r.reason]
        for r in records
    ]
    print_table("", ("run", "status", ranking.title, "time", "reason"), rows, right=(ranking.title, "time"))
    counts = Counter(record.status for record in records)
    print_line(", ".join(f"{n} {name}" for name, n in counts.most_common()))
