"""Process of probes: `python -m fwibench.runs.planning.probe_worker FOLDER LIVENESS`.

Invariant: the begin and the result of each probe are sent as events, so that the command knows which one was running if
the process is killed.
"""

from __future__ import annotations

import faulthandler
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fwibench.datasets.base import Dataset
from fwibench.datasets.simulated import SimulatedDataset
from fwibench.methods.base import Method
from fwibench.methods.costs import Case, Probing, Sizes, clock, cost_model
from fwibench.methods.iterative import IterativeMethod
from fwibench.physics.parallel import available_cores, simulator
from fwibench.physics.placement import reached_rows
from fwibench.plugins.isolation import describe
from fwibench.plugins.registry import Registry, load_registry
from fwibench.problem import AcousticPhysics, ElectromagneticPhysics, ElectromagneticSurvey, Problem, SeismicSurvey
from fwibench.runs.artefacts.cell import Cell, CellDataset
from fwibench.runs.machine.devices import choose_device
from fwibench.runs.opening.datasets import build_dataset
from fwibench.runs.planning.probe import JOB, LIMIT_S, ProbeJob
from fwibench.runs.processes.child import exit_immediately, exit_with_supervisor, redirect_stdout
from fwibench.specs.dataset import Profile
from fwibench.typing import Array32

PART = 4
"""Share of the record that is simulated is one over this number."""
AGAIN_S = 0.3
"""Longest call that is repeated, since the first one also sets things up [s]."""
LATENCY_S, THROUGHPUT_S = 2.0, 1.0
"""Longest times in which a cell measures latency, and throughput with one batch size [s]."""
CALLS = 50
"""Largest number of calls in which a cell measures latency."""
BATCHES = (1, 4, 16, 64, 256)
"""Batch sizes with which a cell measures throughput, as long as a batch takes less than two seconds."""


def main(folder: Path, liveness: int) -> None:
    """Run the probes of a job.

    Args:
        folder: Folder with the job.
        liveness: Descriptor of a pipe that closes when this process must end.
    """
    send = redirect_stdout()
    exit_with_supervisor(liveness)
    job = ProbeJob.model_validate_json((folder / JOB).read_bytes())
    registry = load_registry()
    light = time.time() - job.launched
    # what a cell's process imports before its fit
    from fwibench.methods import torch_method, training  # noqa: F401

    worker = _Worker(job, registry, (time.time() - job.launched, light))
    for cell in job.datasets:
        worker.run(send, "dataset", partial(worker.sample, cell))
    for cell, sizes in zip(job.cells, job.sizes, strict=True):
        worker.run(send, "cell", partial(worker.times, cell, Sizes(*sizes)))


@dataclass
class _Worker:
    """Runs probes.

    Attributes:
        job: The job.
        registry: Registry of methods, datasets and metrics.
        starts: Times to start a process that fits, and one that scores [s].
        done: Number of probes that have ended.
        datasets: Datasets by fingerprint.
        scoring: Time to score a map by fingerprint of the dataset [s].
    """

    job: ProbeJob
    registry: Registry
    starts: tuple[float, float]
    done: int = 0
    datasets: dict[str, Dataset] = field(default_factory=dict)
    scoring: dict[str, float] = field(default_factory=dict)

    def run(self, send: Callable[[dict[str, Any]], None], kind: str, action: Callable[[], dict[str, Any]]) -> None:
        """Run one probe, and send its begin and its result.

        Args:
            send: Sends an event to the command.
            kind: `dataset` or `cell`.
            action: The probe; returns the event with its result.
        """
        send({"begin": kind})
        # it also ends code that holds the interpreter lock
        faulthandler.dump_traceback_later(LIMIT_S, exit=True)
        try:
            event = action()
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            event = {"error": describe(error)}
        faulthandler.cancel_dump_traceback_later()
        send(event)
        self.done += 1

    def dataset(self, chosen: CellDataset, profile: Profile) -> Dataset:
        """Return a dataset of a cell."""
        if chosen.fingerprint not in self.datasets:
            self.datasets[chosen.fingerprint] = build_dataset(self.registry, chosen, profile)
        return self.datasets[chosen.fingerprint]

    def times(self, cell: Cell, sizes: Sizes) -> dict[str, Any]:
        """Return the event with the times of a cell: of fit, prediction and everything else [s]."""
        spec = self.registry.method(cell.method).spec
        problem = self.dataset(cell.fitted_on, cell.profile).measured_problem
        case = Case(problem, spec.options.model_validate(cell.options), sizes)
        device = choose_device(self.job.device, spec)
        found = cost_model(spec).probe(Probing(spec, case, device, available_cores(), self._share()))
        if found is None:
            return {"unknown": True}
        implementation = spec.load()
        start, light = self.starts
        rest = start + light + sizes.test * self._seconds_to_score(cell)
        if implementation.diagnostics is not Method.diagnostics:
            rest += start
        if not issubclass(implementation, IterativeMethod):
            rest += _seconds_to_measure(found.predict / sizes.test)
        fit = found.fit if spec.learns(cell.options) else 0.0
        return {"cell": [fit, found.predict, rest]}

    def _share(self) -> float:
        """Return the time of the next probe: an equal share of what is left [s]."""
        left = self.job.launched + self.job.seconds - time.time()
        count = len(self.job.cells) + len(self.job.datasets) - self.done
        return max(left, 0.0) / max(count, 1)

    def _seconds_to_score(self, cell: Cell) -> float:
        """Return the time to score a map with the default metrics [s]."""
        if cell.fingerprint not in self.scoring:
            problem = self.dataset(cell.fitted_on, cell.profile).measured_problem
            rng, bounds = np.random.default_rng(0), problem.property
            maps = rng.uniform(bounds.low, bounds.high, (2, 1, *problem.property_shape)).astype(np.float32)
            self.scoring[cell.fingerprint] = sum(
                _repeated(partial(offer.spec.load(), maps[0], maps[1], problem))
                for offer in self.registry.metrics.values()
                if offer.spec.default and offer.spec.compares == "property" and offer.spec.scores == "prediction"
            )
        return self.scoring[cell.fingerprint]

    def sample(self, cell: Cell) -> dict[str, Any]:
        """Return the event with the time to make a sample of a dataset, while every core makes one [s]."""
        dataset = self.dataset(cell.scored_on, cell.profile)
        if not isinstance(dataset, SimulatedDataset):
            found = dataset.estimate()
            return {"sample": found.seconds / found.samples if found else 0.0}
        one = _first_map(dataset)
        drawn = clock(lambda: _first_map(dataset))
        # maps are drawn one after the other, shots are simulated side by side
        simulated = seconds_to_simulate(dataset.problem, one) / min(available_cores(), dataset.size)
        return {"sample": drawn + simulated}


def _first_map(dataset: SimulatedDataset) -> Array32:
    originals = dataset.originals
    if originals is not None:
        return dataset.adapt(originals[0])
    return next(iter(dataset.maps(range(1))))


def seconds_to_simulate(problem: Problem, one: Array32) -> float:
    """Return the time to simulate a map on one core [s], from a part of a shot or one frequency of each mesh.

    Args:
        problem: Problem with physics.
        one: Property map `(1, Z, X)`.
    """
    survey, physics = problem.survey, problem.physics
    if isinstance(survey, ElectromagneticSurvey) and isinstance(physics, ElectromagneticPhysics):
        coarse = [frequency for frequency in survey.frequencies if frequency <= physics.coarse_up_to]
        fine = [frequency for frequency in survey.frequencies if frequency > physics.coarse_up_to]
        return sum(
            len(group) * _simulated(_with_frequency(problem, group[0]), one) for group in (coarse, fine) if group
        )
    if isinstance(survey, SeismicSurvey) and isinstance(physics, AcousticPhysics):
        shot = survey.with_shots([0]).model_copy(update={"nt": max(survey.nt // PART, 1)})
        part = problem.model_copy(update={"survey": shot})
        whole = len(survey.sources) * survey.nt * _cells(problem)
        return _simulated(part, one) * whole / (shot.nt * _cells(part))
    return _simulated(problem, one)


def _simulated(problem: Problem, one: Array32) -> float:
    simulate = simulator(problem)
    return _repeated(lambda: simulate(one))


def _repeated(call: Callable[[], object]) -> float:
    """Return the duration of a call [s]; a short one is repeated, and the second time counts."""
    first = clock(call)
    return clock(call) if first < AGAIN_S else first


def _with_frequency(problem: Problem, frequency: float) -> Problem:
    survey = problem.survey.model_copy(update={"frequencies": (frequency,)})
    return problem.model_copy(update={"survey": survey, "amplitude": problem.amplitude.model_copy(update={"rows": ()})})


def _cells(problem: Problem) -> int:
    """Return the number of cells that are simulated, with those of the absorbing frame."""
    physics = problem.physics
    width = physics.pml_width if isinstance(physics, AcousticPhysics) else 0
    return (reached_rows(problem) + 2 * width) * (problem.grid.nx + 2 * width)


def _seconds_to_measure(predict: float) -> float:
    """Return the time in which a cell measures latency and throughput, if a sample takes `predict` [s]."""
    latency = predict + (min(CALLS * predict, LATENCY_S) if predict < LATENCY_S else 0.0)
    batches = (size * predict for size in BATCHES if size * predict < LATENCY_S)
    return latency + sum(batch + min(10 * batch, THROUGHPUT_S) for batch in batches)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
    exit_immediately()
