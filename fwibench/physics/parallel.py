"""Simulations of many models on all cores.

Invariant: results are in the order of the models and equal those of a plain loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from fwibench.errors import ProblemError
from fwibench.problem import Problem
from fwibench.typing import Array32


def available_cores() -> int:
    """Return the number of cores that this process may use, by its CPU affinity and the quota of its container."""
    from joblib import cpu_count

    cores: int = cpu_count()
    return cores


def simulate_each(maps: Sequence[Array32], problem: Problem) -> Iterator[Array32]:
    """Simulate models in a thread pool, one thread each.

    deepwave and SuperLU release the interpreter lock, and threads within one shot of a small grid gain next to nothing,
    so one model per core is fastest on a CPU.

    Args:
        maps: Property maps `(1, Z, X)` in physical units.
        problem: Problem of the maps.

    Yields:
        Measurements `(S, T, R)`, in the order of `maps`.
    """
    from threadpoolctl import threadpool_limits

    simulate = simulator(problem)
    # set for all threads here, since each one restores the limit when it ends and would remove that of the others
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(available_cores()) as pool:
        yield from pool.map(simulate, maps)


def simulator(problem: Problem) -> Callable[[Array32], Array32]:
    """Return the function that simulates a measurement `(S, T, R)` from a map `(1, Z, X)` by the problem's physics.

    Raises:
        ProblemError: The problem has no physics.
    """
    if problem.physics is None:
        raise ProblemError("the problem has no physics to simulate with")
    if problem.physics.kind == "electromagnetic":
        from fwibench.physics.electromagnetic import simulate as simulate_field

        return lambda conductivity: simulate_field(conductivity[None], problem)[0]
    import torch

    from fwibench.physics.acoustic import simulate as simulate_shots

    def pressure(velocity: Array32) -> Array32:
        torch.set_num_threads(1)
        with torch.no_grad():
            return simulate_shots(torch.tensor(velocity[None]), problem)[0].contiguous().numpy()

    return pressure
