"""Simulations of many models: on all cores of the processor, or in batches on a GPU.

Invariant: results are in the order of the models. On a CPU they equal those of a plain loop to the last bit; a GPU
differs from a CPU by rounding, at most 1e-4 of the norm of a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from fwibench.errors import ProblemError
from fwibench.problem import AcousticPhysics, Problem, SeismicSurvey
from fwibench.typing import Array32

if TYPE_CHECKING:
    from torch import Tensor

MEMORY_SHARE = 0.5
"""Share of the free memory of a GPU that a batch may take by the estimate of `map_bytes`, which is rough."""
MOST_RECORDED = 2**27
"""Most measurements of a batch [bytes]. Larger batches are hardly faster, and two are in pinned memory at once."""
COPIES = 4
"""Number of arrays of the size of the recorded traces that are alive at once: at inner time steps, resampled,
interpolated to receivers, transposed."""


def available_cores() -> int:
    """Return the number of cores that this process may use, by its CPU affinity and the quota of its container."""
    from joblib import cpu_count

    cores: int = cpu_count()
    return cores


def runs_on_gpu(problem: Problem) -> bool:
    """Return whether a problem can be simulated on a GPU: by deepwave, unlike the sparse direct solver of EM data."""
    return problem.physics is not None and problem.physics.kind == "acoustic"


def simulate_each(maps: Sequence[Array32], problem: Problem, device: str = "cpu") -> Iterator[Array32]:
    """Simulate models: on a CPU in a thread pool, one thread each; on a GPU in batches.

    deepwave and SuperLU release the interpreter lock, and threads within one shot of a small grid gain next to nothing,
    so one model per core is fastest on a CPU. A GPU needs many shots at once.

    Args:
        maps: Property maps `(1, Z, X)` in physical units.
        problem: Problem of the maps.
        device: `cpu`, `cuda` or `cuda:N`; see `runs_on_gpu`.

    Yields:
        Measurements `(S, T, R)`, in the order of `maps`.
    """
    if device != "cpu":
        yield from simulate_batches(maps, problem, device, maps_at_once(problem, device))
        return
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


def simulate_batches(maps: Sequence[Array32], problem: Problem, device: str, size: int) -> Iterator[Array32]:
    """Simulate models in batches on a device.

    Args:
        maps: Velocity maps `(1, Z, X)` [m/s].
        problem: Acoustic problem of the maps.
        device: Name of the device.
        size: Largest number of maps of a batch; halved when memory runs out.

    Yields:
        Measurements `(S, T, R)`, in the order of `maps`.

    Raises:
        ProblemError: The problem is not acoustic.
        torch.OutOfMemoryError: One map needs more memory than there is.
    """
    import torch

    first = 0
    with ThreadPoolExecutor(1, "simulation") as pool:
        computing = None
        while first < len(maps):
            try:
                computing = computing or pool.submit(_simulate_batch, maps[first : first + size], problem, device)
                recorded = computing.result()
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                size, computing = max(min(size, len(maps) - first) // 2, 1), None
                torch.cuda.empty_cache()
                continue
            first += len(recorded)
            # the device computes the next batch while this one is used
            following = maps[first : first + size]
            computing = pool.submit(_simulate_batch, following, problem, device) if len(following) else None
            # pinned memory is used for other batches, unless somebody keeps rows of it
            yield from recorded.numpy().copy()
            del recorded


def _simulate_batch(maps: Sequence[Array32], problem: Problem, device: str) -> Tensor:
    """Return the measurements `(n, S, T, R)` on the CPU; in pinned memory if a GPU computed them."""
    import torch

    from fwibench.physics.acoustic import simulate

    velocity = torch.from_numpy(np.stack(maps))
    with torch.no_grad():
        if torch.device(device).type == "cpu":
            return simulate(velocity, problem).contiguous()
        # every thread has a current GPU of its own
        with torch.cuda.device(device):
            recorded = simulate(velocity.to(device), problem)
            # a copy to other memory would wait for the kernels of the next batch
            return torch.empty(recorded.shape, pin_memory=True).copy_(recorded)


def maps_at_once(problem: Problem, device: str) -> int:
    """Return the number of maps that a simulation on a GPU takes at once.

    It follows from the free memory of that GPU and `MOST_RECORDED`.
    """
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    recorded = 4 * math.prod(problem.measurement_shape)
    return max(int(min(MEMORY_SHARE * free / map_bytes(problem), MOST_RECORDED / recorded)), 1)


def map_bytes(problem: Problem) -> int:
    """Return the memory that the simulation of one map takes on a GPU [bytes], without gradients.

    deepwave's estimate of the wavefields is a lower bound. The fields of one time step are doubled for what it leaves
    out, and the recorded traces are added, which are longer for short records of large grids.

    Raises:
        ProblemError: The problem is not acoustic.
    """
    import deepwave

    from fwibench.physics.acoustic import widths_of_frame
    from fwibench.physics.placement import place

    survey, physics = problem.survey, problem.physics
    if not isinstance(survey, SeismicSurvey) or not isinstance(physics, AcousticPhysics):
        raise ProblemError("only problems of acoustic physics are simulated on a GPU")
    shots, recorded = len(survey.sources), place(problem).receiver_nodes.shape[-2]
    fields: int = deepwave.estimate_memory(
        "scalar",
        problem.grid.shape,
        survey.nt,
        shots,
        accuracy=physics.accuracy,
        pml_width=widths_of_frame(physics),
        n_models_requiring_grad=0,
    )["total_bytes_lower_bound"]
    courant = physics.max_velocity * survey.dt * math.sqrt(2) / problem.grid.spacing
    steps = survey.nt * math.ceil(courant / (physics.courant_number or deepwave.DEFAULT_COURANT_NUMBER))
    return 2 * fields + COPIES * shots * recorded * steps * 4
