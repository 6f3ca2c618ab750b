"""The environment variables of a cell's child process.

Invariant: a variable that the user set is passed on as it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**32)}
"""glibc keeps freed memory instead of returning it page by page, which costs networks a fifth of a step."""
OPENMP_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
"""Each of them says how threads of OpenMP wait; whoever set one has chosen."""
OPENBLAS_WAITING = ("OPENBLAS_THREAD_TIMEOUT", "THREAD_TIMEOUT")
OPENBLAS_SPIN = "10"
"""Threads of OpenBLAS spin for 2**10 clock cycles before they sleep; its default is 2**26, about 30 ms."""


def bounded_waiting(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep idle threads from spinning, without those that the user has decided.

    OpenMP (PyTorch, deepwave, MKL) and OpenBLAS (NumPy, SciPy) let a thread spin until the others have finished their
    share. Where another process holds a core, the one that is waited for does not run, and every parallel section of
    a small network takes a time slice of the scheduler. Sleeping threads give the core to whoever can use it. Alone
    on two cores they cost at most 15 % of a fit; beside another training a fit takes a quarter of the time
    (`benchmarks/bench_busy.py`).

    The variables are read when the libraries are loaded: set them before torch and numpy are imported.

    Args:
        environment: Variables of the process, such as `os.environ`.
    """
    chosen = {}
    if not any(name in environment for name in OPENMP_WAITING):
        chosen["OMP_WAIT_POLICY"] = "PASSIVE"
    if not any(name in environment for name in OPENBLAS_WAITING):
        chosen["OPENBLAS_THREAD_TIMEOUT"] = OPENBLAS_SPIN
    return chosen


def child_environment() -> dict[str, str]:
    """Return the variables of a child process: those of this one, and what is set for its memory and threads."""
    return {**ALLOCATOR, **bounded_waiting(os.environ), **os.environ}
