"""Environment variables of a cell's child process.

Invariant: a variable that the user has set is passed on unchanged.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

MARK = "FWIBENCH_CELL"
"""Variable that all processes of a cell inherit: the cell's folder."""
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**32)}
"""glibc keeps freed memory: returning it page by page takes a fifth of a training step of a network."""
OPENMP_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
"""Variables that control how idle OpenMP threads wait; if the user has set one, none is added."""
OPENBLAS_WAITING = ("OPENBLAS_THREAD_TIMEOUT", "THREAD_TIMEOUT")
"""Variables that control how idle OpenBLAS threads wait; if the user has set one, none is added."""
OPENBLAS_SPIN = "10"
"""OpenBLAS threads spin for 2**10 clock cycles before they sleep; the default is 2**26, about 30 ms."""


def bounded_waiting(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep idle threads from spinning, except those that the user has set.

    OpenMP (PyTorch, deepwave, MKL) and OpenBLAS (NumPy, SciPy) let an idle thread spin until the others have finished
    their share. If another process occupies a core, the remaining thread does not run, and every parallel section of a
    small network takes a time slice of the scheduler. Sleeping threads release their core. On two cores without other
    processes this lengthens a fit by at most 15 %; beside another training a fit takes a quarter of the time
    (`benchmarks/bench_busy.py`).

    The libraries read the variables when they are loaded: set them before torch and numpy are imported.

    Args:
        environment: Current variables, such as `os.environ`.
    """
    chosen = {}
    if not any(name in environment for name in OPENMP_WAITING):
        chosen["OMP_WAIT_POLICY"] = "PASSIVE"
    if not any(name in environment for name in OPENBLAS_WAITING):
        chosen["OPENBLAS_THREAD_TIMEOUT"] = OPENBLAS_SPIN
    return chosen


def child_environment() -> dict[str, str]:
    """Return the variables of a child process: those of this process, and settings for its memory and threads."""
    return {**ALLOCATOR, **bounded_waiting(os.environ), **os.environ}
