"""Running commands as processes, and inspecting them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from fwibench.runs.processes.variables import MARK

COMMON = ("--dataset", "salt", "--profile", "smoke")


def rows(out: str) -> dict[str, dict[str, Any]]:
    return {row["method"]: row for row in json.loads(out)["rows"]}


def running(text: str) -> list[str]:
    """Return the command lines of running processes that contain `text`, or belong to a cell whose folder does."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            variables = (path / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if text in line or any(one.startswith(f"{MARK}=") and text in one for one in variables):
            found.append(line)
    return found


def start(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fwibench", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
        # tests in the background of a shell inherit an ignored SIGINT
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(pattern: str, folder: Path) -> Path:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if found := list(folder.glob(pattern)):
            return found[0]
        time.sleep(0.02)
    raise AssertionError(f"{pattern} did not appear")


def processes(text: str) -> list[int]:
    """Return the processes whose command line contains `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if text.encode() in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return found


def worker_of(cell: str, candidates: Collection[int]) -> int:
    """Return the process among some that started a process of a cell whose folder contains `cell`."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            variables = (path / "environ").read_bytes().decode(errors="replace").split("\0")
            if not any(one.startswith(f"{MARK}=") and cell in one for one in variables):
                continue
            one = int(path.name)
            while one > 1 and one not in candidates:
                one = int(Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[1])
            if one in candidates:
                return one
    raise LookupError(f"no process of {cell} is a descendant of {candidates}")
