"""Overhead of a cell: its duration beyond its own fit and predict, by stage; mean-map on salt unless stated otherwise.

A command runs the same cell several times. The first cell, which also starts what later cells share, is not part of
the medians. With a revision, commands of that revision and of this checkout alternate, so that both meet the same load
of the machine; the ratio is that of the medians.

    python benchmarks/bench_overhead.py [--baseline REVISION] [--method NAME] [--profile smoke] [--rounds 5]
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
CELLS = 4
TOTAL = "overhead"
FIRST = "overhead of the first cell"


class Silent:
    """Listener that ignores everything."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **more: None


def measure(method: str, profile: str) -> list[dict[str, float]]:
    """Run the cells in this process; return the durations of the stages of each cell, and of the command's own work."""
    begin = time.perf_counter()
    import fwibench.cli.app  # noqa: F401

    imported = time.perf_counter()
    from fwibench.plugins.registry import load_registry
    from fwibench.runs.execution import attempt
    from fwibench.runs.execution.engines.choice import open_engine
    from fwibench.runs.execution.run import run_plan
    from fwibench.runs.planning.plan import make_plan
    from fwibench.runs.planning.request import Request, Selected

    original = attempt.run_process
    processes: list[list[tuple[str, float]]] = []

    def timed(launch: Any, on_event: Callable[[dict[str, Any]], None], *rest: Any) -> Any:
        moments = [("launch", time.perf_counter())]
        processes.append(moments)

        def note(event: dict[str, Any]) -> None:
            if "stage" in event:
                moments.append((event["stage"], time.perf_counter()))
            on_event(event)

        end = original(launch, note, *rest)
        moments.append(("end", time.perf_counter()))
        return end

    attempt.run_process = timed
    with tempfile.TemporaryDirectory() as results:
        registry = load_registry()
        selected = (Selected(name=method),), (Selected(name="salt"),)
        request = Request(*selected, profile=profile, results=Path(results), force=True)
        (planned,) = make_plan(request, registry)
        ready = time.perf_counter()
        with open_engine([planned], request, registry) as engine:
            outcome = run_plan([planned] * CELLS, request, registry, Silent(), engine)
    each = len(processes) // CELLS
    parts = [processes[number * each : (number + 1) * each] for number in range(CELLS)]
    cells = [stages(record, own) for record, own in zip(outcome.records, parts, strict=True)]
    others = outcome.wall_s - sum(record.wall_s for record in outcome.records)
    command = {"command: imports": imported - begin, "command: registry, plan": ready - imported}
    return [command | {"command: beside its cells": others, FIRST: cells[0][TOTAL]}, *cells[1:]]


def stages(record: Any, processes: list[list[tuple[str, float]]]) -> dict[str, float]:
    """Split the duration of a cell at the events of its processes."""
    if record.status != "ok":
        sys.exit(record.reason)
    found = {}
    for name, moments in zip(("method", "scoring", "diagnostics"), processes, strict=False):
        for (stage, start), (_, end) in pairwise(moments):
            found[f"{name}: from {stage}" if name == "method" else name] = end - start
    costs = record.costs
    found["command: set up, publish"] = record.wall_s - sum(found.values())
    found[TOTAL] = record.wall_s - (costs.fit_s or 0.0) - costs.predict_s
    return found | {"fit [ms]": 1e3 * (costs.fit_s or 0.0), "peak memory [MB]": costs.peak_memory_mb}


def run(root: Path, method: str, profile: str) -> list[dict[str, float]]:
    """Measure the code in a checkout."""
    path = os.pathsep.join(str(root / part) for part in ("", "plugins", "baselines"))
    wanted = [sys.executable, "-P", __file__, "--method", method, "--profile", profile, "--child"]
    done = subprocess.run(wanted, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def show(found: dict[str, list[list[dict[str, float]]]]) -> None:
    """Print medians over all commands, a line for each stage."""
    names = dict.fromkeys(name for rounds in found.values() for parts in rounds for part in parts for name in part)
    print(f"{'':32}" + "".join(f"{title:>12}" for title in found) + f"{'ratio':>9}")
    for name in names:
        values = [
            median([part[name] for parts in rounds for part in parts if name in part] or [float("nan")])
            for rounds in found.values()
        ]
        ratio = f"{values[-1] / values[0]:9.2f}" if len(values) > 1 and values[0] else ""
        print(f"{name:32}" + "".join(f"{value:12.3f}" for value in values) + ratio)
    if len(found) > 1:
        before, after = ([median(part[TOTAL] for part in parts[1:]) for parts in rounds] for rounds in found.values())
        ratios = sorted(now / then for then, now in zip(before, after, strict=True))
        print(f"{TOTAL}, ratio round by round: median {median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseline", help="revision to compare with")
    parser.add_argument("--method", default="mean-map")
    parser.add_argument("--profile", default="smoke")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measure(asked.method, asked.profile)))
        return
    with tempfile.TemporaryDirectory() as folder:
        roots = {"now": ROOT}
        if asked.baseline:
            archive = subprocess.run(
                ["git", "-C", str(ROOT), "archive", asked.baseline], stdout=subprocess.PIPE, check=True
            )
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as stream:
                stream.extractall(folder, filter="data")
            roots = {asked.baseline: Path(folder), **roots}
        found: dict[str, list[list[dict[str, float]]]] = {title: [] for title in roots}
        for _ in range(asked.rounds):
            for title, root in roots.items():
                found[title].append(run(root, asked.method, asked.profile))
    print(f"{asked.method} on salt, {asked.profile}: medians of {asked.rounds} commands of {CELLS} cells [s]")
    show(found)
    # children are started without this folder on their path
    from measuring import Benchmark

    with Benchmark(
        "overhead", f"{asked.method} on salt, {asked.profile}: time beyond its own fit and predict"
    ) as bench:
        for title, rounds in found.items():
            later = [part[TOTAL] for parts in rounds for part in parts[1:]]
            bench.note(f"first cell of a command, {title}", median(parts[0][FIRST] for parts in rounds), "s")
            bench.note(f"later cells, {title}", median(later), "s")


if __name__ == "__main__":
    main()
