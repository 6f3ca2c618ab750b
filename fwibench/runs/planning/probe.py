"""Timed probes of the cells of a plan: a few steps with synthetic samples, in a process of their own.

Invariant: no sample of a dataset is read or stored. Cells whose times follow from each other by the cost model share a
probe, and all probes together share one time budget. A probe that fails, crashes or hangs leaves its cell without an
estimate, and the others are made all the same.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fwibench.methods.costs import Work
from fwibench.problem import Frozen
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.planning.disk import datasets_to_prepare
from fwibench.runs.planning.estimate import BUDGET, Estimator, ProbedCell, group_of
from fwibench.runs.planning.plan import PlannedCell
from fwibench.runs.processes.launch import Launch, run_process
from fwibench.runs.processes.messages import write_message

BUDGET_S = 8.0
"""Time that all probes of a plan should take together, with the start of their process [s]. On a machine that computes
other things they take longer, since every probe takes a step at least."""
LIMIT_S = 120.0
"""Time after which a probe is given up and its process ends [s]; another process continues after that probe."""
TIMEOUT = "Timeout ("
"""Text in the log of a process that ended itself at `LIMIT_S`."""
JOB = "probes.json"


class ProbeJob(Frozen):
    """Message to the process of the probes.

    Attributes:
        cells: Cells to probe.
        sizes: Numbers of train, val and test samples of each cell.
        datasets: A cell of each dataset whose samples are timed.
        device: Requested device.
        launched: Value of `time.time()` when the process was launched.
        seconds: Time budget from then on [s].
    """

    cells: list[Cell]
    sizes: list[tuple[int, int, int]]
    datasets: list[Cell]
    device: str
    launched: float
    seconds: float


@dataclass
class Probed:
    """Results of the probes of a plan.

    Attributes:
        cells: Times of cells by `group_of`.
        samples: Time to make a sample on all cores, by the folder of the dataset [s].
        faults: Why a probe has no result, one line each.
    """

    cells: dict[tuple[str, ...], ProbedCell] = field(default_factory=dict)
    samples: dict[Path, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def probe(planned: Sequence[PlannedCell], estimator: Estimator, seconds: float = BUDGET_S) -> Probed:
    """Probe the cells for which finished cells give no time, and the datasets whose samples are missing.

    Args:
        planned: The cells.
        estimator: Estimates from finished cells.
        seconds: Time budget of all probes [s].

    Returns:
        The results.
    """
    probed, started = Probed(), time.time()
    groups: dict[tuple[str, ...], PlannedCell] = {}
    for one in planned:
        found = estimator.estimate(one)
        if found.state == "to run" and (found.seconds is None or found.basis == BUDGET) and not found.fault:
            groups.setdefault(group_of(one, estimator.model(one)), one)
    cells = sorted(groups.items(), key=lambda item: _size(item[1]))
    datasets = {
        dataset.folder: one for dataset in datasets_to_prepare(planned) for one in planned if one.dataset is dataset
    }
    run = _Run(estimator, cells, datasets, probed)
    while run.unfinished():
        run.launch(max(seconds - (time.time() - started), 0.0))
    return probed


@dataclass
class _Run:
    """Probes of a plan and what came of them so far."""

    estimator: Estimator
    cells: list[tuple[tuple[str, ...], PlannedCell]]
    datasets: dict[Path, PlannedCell]
    probed: Probed
    running: str = ""
    """`cell` or `dataset`, of which the first of the list is being probed; empty before the first one."""

    def unfinished(self) -> bool:
        """Return whether a probe is left."""
        return bool(self.cells or self.datasets)

    def launch(self, seconds: float) -> None:
        """Run the probes that are left in a process, until all are done or the process ends.

        Args:
            seconds: Time budget [s].
        """
        job = ProbeJob(
            cells=[one.cell for _, one in self.cells],
            sizes=[tuple(self.estimator.case(one).sizes) for _, one in self.cells],
            datasets=[one.cell for one in self.datasets.values()],
            device=self.estimator.device,
            launched=time.time(),
            seconds=seconds,
        )
        left = len(self.cells) + len(self.datasets)
        with TemporaryDirectory(prefix="fwibench-probe-") as name:
            folder = Path(name)
            write_message(job, folder / JOB)
            log = folder / "log.txt"
            run_process(Launch("fwibench.runs.planning.probe_worker", (name,), folder, log), self.receive)
            last = _reason(log.read_text(errors="replace"))
        if not self.unfinished():
            return
        if left == len(self.cells) + len(self.datasets) and not self.running:
            self.probed.faults.append(f"the process of the probes could not start: {last}")
            self.cells, self.datasets = [], {}
        else:
            self._drop(last)

    def receive(self, event: dict[str, Any]) -> None:
        """Handle an event of the process: the begin or the result of the first probe that is left."""
        if "begin" in event:
            self.running = event["begin"]
        elif "error" in event:
            self._drop(event["error"])
        elif "sample" in event:
            folder = next(iter(self.datasets))
            self.probed.samples[folder] = event["sample"]
            del self.datasets[folder]
        elif "cell" in event:
            key, one = self.cells.pop(0)
            fit, predict, rest = event["cell"]
            self.probed.cells[key] = ProbedCell(self.estimator.case(one), Work(fit, predict), rest)
        elif "unknown" in event:
            self.cells.pop(0)

    def _drop(self, why: str) -> None:
        """Leave the probe that is running without a result."""
        if self.running == "dataset":
            folder = next(iter(self.datasets))
            what = f"samples of {self.datasets.pop(folder).cell.scored_on.dataset}"
        else:
            _, one = self.cells.pop(0)
            what = f"{one.cell.method} on {one.cell.dataset}"
        self.probed.faults.append(f"{what} could not be timed: {why}")
        self.running = ""


def _reason(log: str) -> str:
    """Return why a process of probes ended, from its log."""
    if TIMEOUT in log:
        return f"it takes more than {LIMIT_S:g} s"
    return f"its process ended: {(log.strip().splitlines() or ['without a message'])[-1]}"


def _size(planned: PlannedCell) -> int:
    """Return the number of values of a sample: small problems come first and leave their time to larger ones."""
    problem = planned.dataset.problem
    sources, samples, receivers = problem.measurement_shape
    return sources * samples * receivers + problem.grid.nz * problem.grid.nx
