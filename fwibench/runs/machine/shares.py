"""How the cores, GPUs and memory of a machine are shared out among cells that run side by side.

Invariant: the shares of all cells together are no more than the machine has, unless the user asks for more cells than
there are cores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from fwibench.physics.parallel import available_cores
from fwibench.runs.machine.devices import has_gpu_driver

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
"""Variables that PyTorch and deepwave, the BLAS libraries, and joblib for the number of simulations at once read."""
GPUS = "CUDA_VISIBLE_DEVICES"
CELL_MB = 1500.0
"""Memory that a cell is expected to need if no similar one has finished [MB]: PyTorch takes 500, and data the rest."""


def thread_variables(jobs: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that give a cell its share of the cores; a number that the user set stands.

    Args:
        jobs: Number of cells that run side by side.
        environment: Variables of this process.
    """
    if jobs == 1:
        return {}
    threads = str(max(available_cores() // jobs, 1))
    return {name: threads for name in THREADS if name not in environment}


def threads_alone(environment: Mapping[str, str]) -> int:
    """Return the number of threads of a cell that no other runs beside: the user's choice, or one for each core.

    Args:
        environment: Variables of this process.
    """
    chosen = environment.get(THREADS[0], "")
    return int(chosen) if chosen.isdecimal() and int(chosen) else available_cores()


def visible_gpus(environment: Mapping[str, str]) -> list[str]:
    """Return the names of the GPUs that this process may use, as in `CUDA_VISIBLE_DEVICES`.

    Args:
        environment: Variables of this process.
    """
    if not has_gpu_driver():
        return []
    import torch

    listed = [name for name in environment.get(GPUS, "").split(",") if name]
    numbers = range(torch.cuda.device_count())
    return [listed[number] if number < len(listed) else str(number) for number in numbers]


def jobs_that_fit(cells: int, gpus: int | None, needs_mb: Iterable[float | None]) -> int:
    """Return how many cells run side by side where the user leaves it open.

    Args:
        cells: Number of cells that have to run.
        gpus: Number of GPUs, if the cells run on GPUs; else None.
        needs_mb: Memory that the cells need [MB]; None where it is not known.

    Returns:
        The smallest of the number of cells, that of GPUs or cores, and what the free memory allows; at least 1.
    """
    jobs = min(cells, available_cores() if gpus is None else gpus)
    free = free_memory_mb()
    if free is not None:
        largest = max((CELL_MB if need is None else need for need in needs_mb), default=CELL_MB)
        jobs = min(jobs, int(free // largest))
    return max(jobs, 1)


def free_memory_mb() -> float | None:
    """Return the memory that is free for new processes, within the limit of the container [MB]; None if not known."""
    found = []
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found += [float(line.split()[1]) / 1024 for line in lines if line.startswith("MemAvailable:")]
    group = Path("/sys/fs/cgroup")
    with suppress(OSError, ValueError, IndexError):
        own = Path("/proc/self/cgroup").read_text().splitlines()[0].partition("::")[2].lstrip("/")
        for folder in {group, group / own}:
            with suppress(OSError, ValueError, KeyError):
                # the limit is the word "max" where there is none, which is no number
                limit = int((folder / "memory.max").read_text())
                counts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                # the cache of files is given back when processes need the memory
                used = int((folder / "memory.current").read_text()) - int(counts["inactive_file"])
                found.append((limit - used) / 1e6)
    return min(found) if found else None
