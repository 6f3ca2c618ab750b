"""Making data: our thread pool over models against a plain loop with deepwave's own threads."""

import time
from collections.abc import Callable

import numpy as np
import torch

from fwibench.datasets.salt.dataset import PROBLEM, _volume
from fwibench.physics.acoustic import simulate
from fwibench.physics.parallel import simulate_each

MODELS = 24
ROUNDS = 3


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    maps = [_volume(0)[i][None].astype(np.float32) for i in range(MODELS)]

    def loop() -> None:
        with torch.no_grad():
            for velocity in maps:
                simulate(torch.from_numpy(velocity[None]), PROBLEM)

    def pool() -> None:
        list(simulate_each(maps, PROBLEM))

    loop()
    pairs = [(seconds(loop), seconds(pool)) for _ in range(ROUNDS)]
    ratios = [slow / fast for slow, fast in pairs]
    loop_ms, pool_ms = (1e3 * min(column) / MODELS for column in zip(*pairs, strict=True))
    print(f"loop {loop_ms:.0f} ms, pool {pool_ms:.0f} ms a model")
    print(f"ratio: median {np.median(ratios):.2f} over {ROUNDS} rounds")


if __name__ == "__main__":
    main()
