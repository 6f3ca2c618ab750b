# ruff: noqa: D102
"""What the scheduling of a cell on a cluster costs: 10,000 cells that sleep 10 ms, on 200 workers in this process.

    python benchmarks/bench_cluster.py

prints the time of the whole for each cell beyond its share of the sleeping, and the memory of the process at the first
and at the last record. Nothing is written: the workers of the simulation share the disk and leave no files.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask
import psutil
from distributed import Client, LocalCluster
from measuring import Benchmark

from fwibench.plugins.registry import load_registry
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.engines import remote
from fwibench.runs.execution.engines.cluster import ClusterEngine
from fwibench.runs.execution.run import run_plan
from fwibench.runs.planning.plan import make_plan
from fwibench.runs.planning.request import Request, Selected

SLEEP_S = 0.01


def sleeping(order: remote.Order, base: bytes = b"") -> remote.Answer:
    time.sleep(SLEEP_S)
    return remote.Answer(order.job.record.model_copy(update={"status": "ok", "wall_s": SLEEP_S}), b"")


class Memory:
    """Listener that measures the memory of this process when cells finish."""

    def __init__(self, cells: int) -> None:
        self.cells, self.finished_cells = cells, 0
        self.mb: list[float] = []

    def preparing(self, dataset: Any, done: int, total: int) -> None: ...

    def started(self, planned: Any, number: int, total: int) -> None: ...

    def event(self, run: str, event: dict[str, Any]) -> None: ...

    def finished(self, record: Record, *, cached: bool) -> None:
        self.finished_cells += 1
        if self.finished_cells % (self.cells // 10) == 1:
            self.mb.append(psutil.Process().memory_info().rss / 1e6)


class Sleepers(ClusterEngine):
    """Engine whose workers need no samples."""

    def prepare(self, dataset: Any, progress: Any) -> list[str]:
        return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=200)
    given = parser.parse_args()
    logging.getLogger("distributed").setLevel(logging.ERROR)
    # 200 workers would measure and profile this one process 20,000 times a second; elsewhere each has its own
    dask.config.set({"distributed.admin.system-monitor.interval": "1h", "distributed.worker.profile.enabled": False})
    registry = load_registry()
    with TemporaryDirectory() as folder:
        request = Request(
            methods=(Selected(name="invlint"),),
            datasets=(Selected(name="salt"),),
            seeds=given.cells,
            profile="smoke",
            results=Path(folder),
            max_cells=given.cells,
        )
        start = time.perf_counter()
        plan = make_plan(request, registry)
        planned = time.perf_counter() - start
        bare = {"processes": False, "dashboard_address": None, "memory_limit": 0}
        cluster = LocalCluster(n_workers=given.workers, threads_per_worker=1, **bare)
        with cluster, Client(cluster, set_as_default=False) as client:
            run = remote.Run("benchmark", Path(folder), force=False, variables={})
            engine = Sleepers(client, Results(Path(folder)), run, task=sleeping)
            memory = Memory(len(plan))
            start = time.perf_counter()
            outcome = run_plan(plan, request, registry, memory, engine)
            wall = time.perf_counter() - start
    assert outcome.exit_code == 0
    each = 1e3 * (wall / len(plan) - SLEEP_S / given.workers)
    with Benchmark("cluster", f"Scheduling {len(plan)} cells on {given.workers} workers") as bench:
        bench.note("time to plan a cell", 1e3 * planned / len(plan), "ms")
        bench.note("time of a cell beyond its share of the sleeping", each, "ms")
        bench.note("memory at the first record", memory.mb[0], "MB")
        bench.note("memory at the last record", memory.mb[-1], "MB")


if __name__ == "__main__":
    main()
