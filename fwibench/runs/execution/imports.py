"""Modules that processes of cells find imported when they are forked from templates.

Invariant: none is code of a plugin, and a process has no module that it would not import as a fresh interpreter, so
that its peak memory is its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from fwibench.runs.processes.warm import Imports

COMMON = (
    "fwibench.runs.opening.methods",
    "fwibench.runs.processes.child",
    "fwibench.runs.processes.messages",
    # for numpy.unique
    "numpy.ma",
)
METHOD: Imports = (COMMON, ("fwibench.runs.execution.evaluate", "fwibench.runs.machine.devices", "threadpoolctl"))
"""Modules of a process that runs code of a method; they import torch."""
SCORING: Imports = (COMMON, ("fwibench.runs.scoring.rescore", "scipy.ndimage"))
"""Modules of the process that computes scores."""
LATE = ("fwibench.methods.training", "fwibench.physics.acoustic")
"""Modules that only some methods need, and that take a second or more to import."""


def late_imports(names: Iterable[object] = sys.modules) -> tuple[str, ...]:
    """Return the modules of `LATE` that are among some names; default: those that this process has imported."""
    found = set(names)
    return tuple(module for module in LATE if module in found)


def method_imports(late: tuple[str, ...]) -> Imports:
    """Return the modules of a process that runs code of a method which is known to import some of `LATE`."""
    return (*METHOD, late) if late else METHOD
