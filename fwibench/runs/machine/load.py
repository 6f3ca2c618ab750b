"""How busy the machine was while a cell ran.

Invariant: what the system does not tell is None.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

BUSY_SHARE = 0.1
"""Share of the cores that other processes may take before times are marked. An idle desktop takes about 0.02."""
IDLE = (3, 4)
"""Fields of a line of /proc/stat that count time without work: idle, and idle while a disk answers."""
Amount = Annotated[float, Field(ge=0, le=1e6)]
COUNTED = 8
"""Fields before those of guests, whose time is part of the first two."""


class Load(BaseModel):
    """Load of the machine during one cell."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    cores: int = Field(ge=1, le=2**20, description="cores the process could run on")
    start: Amount | None = Field(default=None, description="load average of the last minute, at the start")
    end: Amount | None = Field(default=None, description="the same at the end, the cell's own load included")
    others: Amount | None = Field(
        default=None, description="how many of these cores other processes used, mean over the cell; Linux only"
    )

    @property
    def busy(self) -> bool:
        """Whether other processes used so much that times are longer than on an idle machine."""
        return self.others is not None and self.others > BUSY_SHARE * self.cores


class LoadMeter:
    """Starts to observe when it is made."""

    def __init__(self) -> None:
        self._start, self._load = time.perf_counter(), _load_average()
        self._machine, self._own = _machine_seconds(), _own_seconds()

    def read(self) -> Load:
        """Return the load since the start."""
        elapsed, machine = time.perf_counter() - self._start, _machine_seconds()
        others = None
        if machine is not None and self._machine is not None and elapsed > 0:
            used = machine - self._machine - (_own_seconds() - self._own)
            others = round(max(used, 0.0) / elapsed, 3)
        return Load(cores=len(_cores()), start=self._load, end=_load_average(), others=others)


def _cores() -> set[int]:
    """Cores that this process may run on and whose work is counted; the quota of a container takes none away."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _load_average() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except (OSError, AttributeError):
        return None


def _own_seconds() -> float:
    """CPU time of this process and of its children that have ended [s]."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _machine_seconds() -> float | None:
    """Time in which the cores that this process may use were at work, or taken by another guest [s]."""
    try:
        lines = Path("/proc/stat").read_text().splitlines()
        ours = {f"cpu{number}" for number in _cores()}
        fields = [line.split()[1:] for line in lines if line.split(maxsplit=1)[0] in ours]
        ticks = sum(int(value) for line in fields for i, value in enumerate(line[:COUNTED]) if i not in IDLE)
        return ticks / os.sysconf("SC_CLK_TCK") if fields else None
    except (OSError, AttributeError, ValueError, IndexError):
        return None
