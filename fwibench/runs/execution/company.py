"""Cells of a run that run side by side on one machine.

Invariant: while one cell holds the clock to measure latency and throughput, the processes of all others are paused.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fwibench.runs.processes.control import Control
from fwibench.runs.processes.messages import EventHandler


@dataclass(eq=False)
class Seat:
    """The place of one cell in its company.

    Attributes:
        company: The cells that run beside it.
        on_event: Called with the events of the cell's processes.
        variables: Environment variables of its processes: its share of cores and GPUs.
        control: Passes orders to its processes.
        beside: Largest number of other cells that ran at the same time.
    """

    company: Company
    on_event: EventHandler
    variables: Mapping[str, str] = field(default_factory=dict)
    control: Control = field(default_factory=Control)
    beside: int = 0

    def hear(self, event: dict[str, Any]) -> None:
        """Handle an event of the cell's processes: `{"clock": true}` asks for the clock, false returns it."""
        if isinstance(wanted := event.get("clock"), bool):
            self.company.ask_clock(self) if wanted else self.company.return_clock(self)
        else:
            self.on_event(event)


class Company:
    """The cells that run side by side; seats may be taken and left from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seats: list[Seat] = []
        self._waiting: deque[Seat] = deque()
        self._holder: Seat | None = None

    @contextmanager
    def seat(self, on_event: EventHandler, variables: Mapping[str, str] | None = None) -> Iterator[Seat]:
        """Run a cell in the block.

        Args:
            on_event: Called with the events of its processes, except those about the clock.
            variables: Environment variables of its processes.
        """
        one = Seat(self, on_event, variables or {})
        with self._lock:
            self._seats.append(one)
            for other in self._seats:
                other.beside = max(other.beside, len(self._seats) - 1)
            if self._holder is not None:
                one.control.pause()
        try:
            yield one
        finally:
            with self._lock:
                self._seats.remove(one)
                self._release(one)

    def ask_clock(self, seat: Seat) -> None:
        """Give a cell the clock as soon as no other has it; its process gets a reply then."""
        with self._lock:
            self._waiting.append(seat)
            self._pass_on()

    def return_clock(self, seat: Seat) -> None:
        """Take the clock back, and continue the other cells."""
        with self._lock:
            self._release(seat)

    def cancel(self) -> None:
        """End all cells."""
        with self._lock:
            for one in self._seats:
                one.control.cancel()

    def _release(self, seat: Seat) -> None:
        if seat in self._waiting:
            self._waiting.remove(seat)
        if seat is self._holder:
            self._holder = None
            if not self._waiting:
                for other in self._seats:
                    other.control.resume()
            self._pass_on()

    def _pass_on(self) -> None:
        if self._holder is None and self._waiting:
            self._holder = self._waiting.popleft()
            self._holder.control.resume()
            for other in self._seats:
                if other is not self._holder:
                    other.control.pause()
            self._holder.control.answer(b"g")
