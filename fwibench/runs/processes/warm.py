"""Templates of a command: processes from which processes of cells are forked, so that these start without imports.

Invariant: a template serves only cells with the environment variables and the working directory that it was started
with, since libraries read variables when they are loaded. When the block of `warm_processes` ends, no template is left;
if the command is killed, templates end by themselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from fwibench.runs.processes.variables import MARK

TEMPLATE = "fwibench.runs.processes.template"
LONGEST_MARK = 4096
"""Room for the path of a cell in the variables of a template [bytes]: PATH_MAX of Linux."""
MOST_FAILURES = 3
"""Number of failures after which a command starts fresh interpreters."""
KILL_TIMEOUT_S = 10.0
"""Time that killed templates may take to end [s]."""

Imports = tuple[tuple[str, ...], ...]
"""Modules of a template: it is forked from the template without the last group of modules, and imports that group."""
Key = tuple[frozenset[tuple[str, str]], str, Imports]
"""Variables, working directory and modules of a template."""


class Templates:
    """Templates of one command. Several threads may use them.

    Args:
        first: Modules of templates that are started with the first process of each environment.

    Attributes:
        generation: How often the templates have been replaced, because one of them had failed.
        known: Modules that a process imported by itself, by a name of its program.
    """

    def __init__(self, first: tuple[Imports, ...] = ()) -> None:
        self.generation = 0
        self.known: dict[str, tuple[str, ...]] = {}
        self._first = first
        self._lock = Lock()
        self._channels: dict[Key, socket.socket] = {}
        self._processes: list[subprocess.Popen[bytes]] = []

    def fork(
        self, environment: Mapping[str, str], imports: Imports, program: list[str], mark: str, ends: list[int]
    ) -> None:
        """Ask a template to fork the supervisor of a process; nothing happens if that is not possible.

        Args:
            environment: Variables of the process.
            imports: Modules that the process finds imported.
            program: Module to run, and its arguments.
            mark: Value of the variable `MARK` of the process.
            ends: Descriptors of its liveness pipe, its status pipe, its standard output and its standard error.
        """
        request = json.dumps({"run": program, "mark": mark}).encode()
        with self._lock, contextlib.suppress(OSError):
            if self.generation <= MOST_FAILURES:
                socket.send_fds(self._channel(environment, imports), [request], ends)
                for one in self._first:
                    self._channel(environment, one)

    def replace(self, generation: int) -> None:
        """End the templates of a generation, one of which has failed; the next process starts others."""
        with self._lock:
            if generation == self.generation:
                self.generation += 1
                self._close()

    def close(self) -> None:
        """End all templates."""
        with self._lock:
            self._close()

    def _channel(self, environment: Mapping[str, str], imports: Imports) -> socket.socket:
        """Return the channel to a template, which is started if there is none."""
        key = frozenset(environment.items()), os.getcwd(), imports
        if key not in self._channels:
            ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with its:
                if imports:
                    request = json.dumps({"import": imports[-1]}).encode()
                    socket.send_fds(self._channel(environment, imports[:-1]), [request], [its.fileno()])
                else:
                    self._processes.append(_start(environment, its.fileno()))
            self._channels[key] = ours
        return self._channels[key]

    def _close(self) -> None:
        for process in self._processes:
            # templates that were forked from this one are in its process group, processes of cells are not
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for channel in self._channels.values():
            # the end of the stream shows that the template has ended
            channel.settimeout(KILL_TIMEOUT_S)
            with contextlib.suppress(OSError):
                channel.recv(1)
            channel.close()
        self._processes.clear()
        self._channels.clear()


def _start(environment: Mapping[str, str], channel: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # -P: modules are not imported from the working directory
        [sys.executable, "-P", "-m", TEMPLATE, str(channel)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(channel,),
        env={**environment, MARK: "-" * LONGEST_MARK},
    )


_active: Templates | None = None


@contextmanager
def warm_processes(*first: Imports) -> Iterator[None]:
    """Fork processes of cells from templates in the block, on Linux.

    Elsewhere every process is a fresh interpreter: a fork without exec is not safe on macOS, and Windows has none.

    Args:
        *first: Modules of the templates that are started together with the first process of a cell.
    """
    global _active
    if _active is not None or not Path("/proc/self/environ").exists():
        yield
        return
    _active = Templates(first)
    try:
        yield
    finally:
        templates, _active = _active, None
        templates.close()


def active_templates() -> Templates | None:
    """Return the templates of the current `warm_processes` block; None outside of one."""
    return _active


def known_imports() -> dict[str, tuple[str, ...]]:
    """Return the modules that processes are known to import by themselves, by a name; empty outside of a block."""
    return {} if _active is None else _active.known
