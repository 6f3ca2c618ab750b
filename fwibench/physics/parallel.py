"""Many models, one after the other, on all cores.

Invariant: results come in the order of the models and equal those of a plain loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from fwibench.errors import ProblemError
from fwibench.problem import Problem
from fwibench.typing import Array32


def available_cores() -> int:
    """Cores this process may use: those that it may run on, and no more than the quota of a container allows."""
    from joblib import cpu_count

    cores: int = cpu_count()
    return cores


def simulate_each(maps: Sequence[Array32], problem: Problem) -> Iterator[Array32]:
    """Simulates models in a thread pool, one thread each.

    deepwave and SuperLU release the interpreter lock, and splitting a small grid inside one shot gains
    next to nothing, so one model a core is the fastest way on a CPU.

    Args:
        maps: Property maps, each `(1, Z, X)`.
        problem: Their problem.

    Yields:
        Measurements `(S, T, R)`, in the order of `maps`.
    """
    from threadpoolctl import threadpool_limits

    simulate = simulator(problem)
    # set here too: threads that set and restore it for themselves would undo one another's setting
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(available_cores()) as pool:
        yield from pool.map(simulate, maps)


def simulator(problem: Problem) -> Callable[[Array32], Array32]:
    """What makes a measurement `(S, T, R)` of a map `(1, Z, X)`, by the problem's physics.

    Raises:
        ProblemError: The suite does not simulate the problem.
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
