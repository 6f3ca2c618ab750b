"""Making data: our way against the loop a user would write, for equal data.

The loop calls deepwave once a shot with its defaults: 20 absorbing cells, their frequency and the largest velocity
taken from the shot at hand, the library's own Courant number. The order in space is the dataset's. A second loop
also pins the dataset's Courant number and largest velocity, so that both make the same inner time steps; what is
left then is the absorbing layer. A third one is ours without the pool, one map after the other with deepwave's own
threads. `--threads 1` keeps deepwave from splitting a shot over the cores, which collapses where they are busy.
"""

import argparse
import warnings
from collections.abc import Callable

import deepwave
import numpy as np
import torch
from measuring import Benchmark, relative

from fwibench.datasets.marmousi import dataset as marmousi
from fwibench.datasets.salt import dataset as salt
from fwibench.physics.acoustic import simulate
from fwibench.physics.parallel import available_cores, simulate_each
from fwibench.physics.wavelets import sample_wavelet
from fwibench.problem import Problem

MODELS = 6
SIZES = (2, 4, 8, 16)
NODES = tuple(2400 * factor**2 for factor in (1, 2, 3, 4))
CLOSE = 0.02
"""Relative L2 of data with other absorbing layers and time steps."""


def shot_by_shot(maps: list[np.ndarray], problem: Problem, **settings: object) -> np.ndarray:
    """The loop a user would write; `settings` are handed to deepwave."""
    survey, spacing = problem.survey, problem.grid.spacing
    wavelet = -torch.from_numpy(sample_wavelet(survey))[None, None]
    receivers = torch.tensor([[round(r.z / spacing), round(r.x / spacing)] for r in survey.receivers])[None]
    records = []
    with torch.no_grad():
        for velocity in maps:
            for source in survey.sources:
                place = torch.tensor([[[round(source.z / spacing), round(source.x / spacing)]]])
                out = deepwave.scalar(
                    torch.from_numpy(velocity[0]),
                    spacing,
                    survey.dt,
                    source_amplitudes=wavelet,
                    source_locations=place,
                    receiver_locations=receivers,
                    accuracy=problem.physics.accuracy,
                    **settings,
                )
                records.append(out.receiver_amplitudes[0].T.numpy())
    return np.stack(records).reshape(len(maps), *problem.measurement_shape)


def one_by_one(maps: list[np.ndarray], problem: Problem) -> np.ndarray:
    """Ours without the pool."""
    with torch.no_grad():
        return np.concatenate([simulate(torch.from_numpy(velocity[None]), problem).numpy() for velocity in maps])


def pooled(maps: list[np.ndarray], problem: Problem) -> np.ndarray:
    return np.stack(list(simulate_each(maps, problem)))


def with_shots(count: int) -> Problem:
    """Salt with another number of sources, at the receivers."""
    receivers = salt.PROBLEM.survey.receivers
    chosen = tuple(receivers[i] for i in np.linspace(0, len(receivers) - 1, count).astype(int))
    survey = salt.PROBLEM.survey.model_copy(update={"sources": chosen})
    return salt.PROBLEM.model_copy(update={"survey": survey})


def enlarged(velocity: np.ndarray, nodes: int) -> Callable[[], np.ndarray]:
    """The simulation of a map whose nodes are repeated along depth and x, below the same survey."""
    factor = round((nodes / velocity.size) ** 0.5)
    larger = velocity.repeat(factor, 1).repeat(factor, 2)
    grid = salt.PROBLEM.grid.model_copy(update={"nz": larger.shape[1], "nx": larger.shape[2]})
    problem = salt.PROBLEM.model_copy(update={"grid": grid})
    return lambda: pooled([larger], problem)


def compare(bench: Benchmark, name: str, maps: list[np.ndarray], problem: Problem) -> None:
    physics = problem.physics
    same_steps = {"max_vel": physics.max_velocity, "courant_number": physics.courant_number}
    ways: dict[str, Callable[[], np.ndarray]] = {
        "ours": lambda: pooled(maps, problem),
        "loop with the same time steps": lambda: shot_by_shot(maps, problem, **same_steps),
        "loop with deepwave's defaults": lambda: shot_by_shot(maps, problem),
        "ours without the pool": lambda: one_by_one(maps, problem),
    }
    bench.compare(f"{MODELS} maps of {name}", ways, difference=relative, at_most=CLOSE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=available_cores(), help="deepwave's, in the loops")
    torch.set_num_threads(parser.parse_args().threads)
    # the loop leaves the absorbing layer's frequency to deepwave on purpose
    warnings.filterwarnings("ignore", category=deepwave.PmlFreqInferenceWarning)
    salts = [salt._volume(0)[i, None].astype(np.float32) for i in range(max(SIZES))]
    with Benchmark("generation", f"Making data; loops with {torch.get_num_threads()} threads") as bench:
        compare(bench, "salt", salts[:MODELS], salt.PROBLEM)
        compare(bench, "marmousi", [marmousi.marmousi_map(i) for i in range(MODELS)], marmousi.PROBLEM)
        bench.grow("salt", "maps", SIZES, lambda count: lambda: pooled(salts[:count], salt.PROBLEM))
        bench.grow("a map of salt", "shots", SIZES, lambda count: lambda: pooled(salts[:1], with_shots(count)))
        bench.grow("a map of salt", "nodes", NODES, lambda nodes: enlarged(salts[0], nodes))


if __name__ == "__main__":
    main()
