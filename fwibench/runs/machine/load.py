"""Load of the machine by other processes while a cell ran.

Invariant: a value that the system does not report is None.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

BUSY_SHARE = 0.1
"""Largest share of the cores that other processes use on an idle machine. An idle desktop uses about 0.02."""
IDLE_FIELDS = (3, 4)
"""Fields of a line of /proc/stat that count time without work: idle and iowait."""
Amount = Annotated[float, Field(ge=0, le=1e6)]
COUNTED_FIELDS = 8
"""Number of fields before those of guests, whose time is included in the first two."""


class Load(BaseModel):
    """Load of the machine during one cell."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    cores: int = Field(ge=1, le=2**20, description="cores the process could run on")
    start: Amount | None = Field(default=None, description="load average of the last minute, at the start")
    end: Amount | None = Field(default=None, description="the same at the end, the cell's own load included")
    others: Amount | None = Field(
        default=None, description="how many of these cores other processes used, mean over the cell; Linux only"
    )

    clock: Amount | None = Field(
        default=None, description="the same while latency and throughput were measured; None if they were not"
    )

    @property
    def busy(self) -> bool:
        """Whether other processes used so much that measured times are longer than on an idle machine."""
        return self.others is not None and self.others > BUSY_SHARE * self.cores

    @property
    def busy_clock(self) -> bool:
        """Whether that holds for latency and throughput that were measured alone."""
        return self.clock is not None and self.clock > BUSY_SHARE * self.cores


class LoadMeter:
    """Meter of the load since its creation."""

    def __init__(self) -> None:
        self._start, self._load = time.perf_counter(), _load_average()
        self._machine, self._own = _machine_seconds(), _own_seconds()

    def read(self) -> Load:
        """Return the load since the meter's creation."""
        elapsed, machine = time.perf_counter() - self._start, _machine_seconds()
        others = None
        if machine is not None and self._machine is not None and elapsed > 0:
            used = machine - self._machine - (_own_seconds() - self._own)
            others = round(max(used, 0.0) / elapsed, 3)
        return Load(cores=len(_cores()), start=self._load, end=_load_average(), others=others)


def _cores() -> set[int]:
    """Return the cores that this process may run on; the CPU quota of a container does not reduce them."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _load_average() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except (OSError, AttributeError):
        return None


def _own_seconds() -> float:
    """Return the CPU time of this process and of its children that have ended [s]."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _machine_seconds() -> float | None:
    """Return the time in which the cores of this process were busy, or used by another virtual machine [s]."""
    try:
        lines = Path("/proc/stat").read_text().splitlines()
        ours = {f"cpu{number}" for number in _cores()}
        fields = [line.split()[1:] for line in lines if line.split(maxsplit=1)[0] in ours]
        busy = (value for line in fields for i, value in enumerate(line[:COUNTED_FIELDS]) if i not in IDLE_FIELDS)
        ticks = sum(map(int, busy))
        return ticks / os.sysconf("SC_CLK_TCK") if fields else None
    except (OSError, AttributeError, ValueError, IndexError):
        return None
