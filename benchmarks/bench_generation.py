"""Making data: our way against the loop a user would write, for equal data.

The loop calls deepwave once a shot with its defaults: 20 absorbing cells, their frequency and the largest velocity
taken from the shot at hand, the library's own Courant number. The order in space is the dataset's. A second loop
also pins the dataset's Courant number and largest velocity, so that both make the same inner time steps; what is
left then is the absorbing layer. `--threads 1` keeps deepwave from splitting a shot over the cores, which collapses
where they are busy.
"""

import argparse
import time
import warnings
from collections.abc import Callable

import deepwave
import numpy as np
import torch

from fwibench.datasets.marmousi import dataset as marmousi
from fwibench.datasets.salt import dataset as salt
from fwibench.physics.parallel import available_cores, simulate_each
from fwibench.physics.wavelets import sample_wavelet
from fwibench.problem import Problem

MODELS = 6
ROUNDS = 3


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


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Wall time, and processor time of all threads; the second hardly depends on who else is at work."""
    start, busy = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - start, time.process_time() - busy


def compare(name: str, maps: list[np.ndarray], problem: Problem) -> None:
    physics = problem.physics
    same_steps = {"max_vel": physics.max_velocity, "courant_number": physics.courant_number}
    ways: dict[str, Callable[[], np.ndarray]] = {
        "deepwave's defaults": lambda: shot_by_shot(maps, problem),
        "the same time steps": lambda: shot_by_shot(maps, problem, **same_steps),
        "ours": lambda: np.stack(list(simulate_each(maps, problem))),
    }
    data = {way: call() for way, call in ways.items()}
    rounds = [{way: seconds(call) for way, call in ways.items()} for _ in range(ROUNDS)]
    times = {way: np.array([each[way] for each in rounds]) for way in ways}
    ours = times.pop("ours")
    wall, busy = 1e3 * ours.min(0) / MODELS
    print(f"{name}: ours {wall:.0f} ms a model on {available_cores()} cores, {busy:.0f} ms of processor time")
    for way, taken in times.items():
        wall, busy = np.median(taken / ours, axis=0)
        residual = np.linalg.norm(data[way] - data["ours"]) / np.linalg.norm(data["ours"])
        print(f"  loop with {way}: {wall:.2f} times ours, {busy:.2f} times the processor time, data {residual:.1e} off")
    print(f"  medians of {ROUNDS} rounds of {MODELS} models; differences are relative, L2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=available_cores(), help="deepwave's, in the loops")
    torch.set_num_threads(parser.parse_args().threads)
    # the loop leaves the absorbing layer's frequency to deepwave on purpose
    warnings.filterwarnings("ignore", category=deepwave.PmlFreqInferenceWarning)
    print(f"loops with {torch.get_num_threads()} threads")
    compare("salt", [salt._volume(0)[i, None].astype(np.float32) for i in range(MODELS)], salt.PROBLEM)
    compare("marmousi", [marmousi.marmousi_map(i) for i in range(MODELS)], marmousi.PROBLEM)


if __name__ == "__main__":
    main()
