"""The device tests and one run of every method on a GPU, within a few minutes: `make gpu-check`.

Writes into the output folder, after every step anew, so that nothing is lost where it is stopped early:
`check.json` and `check.md` (device, driver, versions, command, tests, cells), `leaderboard.csv`, `tests.txt`, and the
records below `runs/`. What did not fit in the time is listed as such, never left out. The exit code is 0 if the tests
pass and no cell failed, 1 if not, 3 if the device is not there.

    python benchmarks/gpu/check.py --device cuda --budget 420 --output results/gpu

It needs fwibench and pytest. `--device cpu --profile smoke` tries everything but the GPU.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
METHODS = (
    "invlint,inversionnet,velocitygan,multiscale-fwi,refine,multiscale-fwi-oracle,pixel-ridge,nearest-neighbour,"
    "mean-map"
)
"""By importance: what stands first runs first."""
PACKAGES = ("fwibench", "torch", "deepwave", "lightning-fabric", "numpy", "scipy", "scikit-learn", "pydantic", "pytest")
HEADER = (
    "method",
    "status",
    "device",
    "MAE",
    "fit [s]",
    "predict [s]",
    "samples/s",
    "GPU memory [MB]",
    "test samples",
    "reason",
)
INVERSION_SAMPLES = 5
"""Test samples of methods that invert every sample by itself; they take about as long as the rest together."""
TEST_SHARE = 0.35
"""Most of the time that the tests may take."""
DATA_SHARE = 0.5
METHOD_SHARE = 0.5
"""Most of the time left that one method may take."""
RESERVE_S = 10.0
"""For the leaderboard and the summary."""
LEAST_S = 15.0
"""A cell needs so long to start; with less time left it is not begun."""
STARTING_S = 8.0
"""How much later than a cell's own limit its command is killed."""


def main() -> int:
    """Run everything that fits in the time and return the exit code."""
    options = parse()
    options.output.mkdir(parents=True, exist_ok=True)
    check = Check(options)
    if (lacking := check.find_device()) is not None:
        print(f"error: {lacking}", file=sys.stderr)
        return 3
    if options.tests != "none":
        check.run_tests()
    check.prepare()
    for method in options.methods.split(","):
        check.run_method(method)
    check.finish()
    return check.exit_code


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu (default: %(default)s)")
    parser.add_argument("--profile", default="paper", help="smoke, quick or paper (default: %(default)s)")
    parser.add_argument("--dataset", default="salt", help="dataset of the runs (default: %(default)s)")
    parser.add_argument("--methods", default=METHODS, help="methods, in this order (default: all that are built in)")
    parser.add_argument("--budget", type=float, default=420.0, help="seconds for everything (default: %(default)g)")
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "gpu", help="folder of the results")
    parser.add_argument("--tests", default=str(ROOT / "tests" / "device"), help="tests to run; none for no tests")
    options = parser.parse_args()
    options.output = options.output.absolute()
    return options


class Check:
    """What was done so far.

    Attributes:
        summary: Content of `check.json`.
        failed: Whether a test or a cell failed.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.deadline = time.monotonic() + options.budget
        self.failed = False
        self.summary: dict[str, Any] = {
            "command": shlex.join([Path(sys.executable).name, *sys.argv]),
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "budget_s": options.budget,
            "profile": options.profile,
            "dataset": options.dataset,
            "device": options.device,
            "machine": {},
            "tests": {"status": "not run"},
            "data_s": None,
            "cells": [],
        }

    @property
    def left(self) -> float:
        """Seconds until the summary must be written."""
        return self.deadline - RESERVE_S - time.monotonic()

    @property
    def exit_code(self) -> int:
        """Return 1 if anything failed. What did not fit in the time did not fail."""
        return int(self.failed)

    def find_device(self) -> str | None:
        """Describe the machine; why it cannot be used, or None."""
        import torch

        device = self.options.device
        machine = self.summary["machine"] = {
            "platform": platform.platform(),
            "python": platform.python_version(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "packages": {name: installed(name) for name in PACKAGES},
            "git": output_of("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
        }
        if device.startswith("cuda"):
            count = torch.cuda.device_count() if torch.cuda.is_available() else 0
            number = int(device.partition(":")[2] or 0)
            if number >= count:
                return f"--device is {device}, and torch {torch.__version__} sees {count} GPUs; --device cpu needs none"
            properties = torch.cuda.get_device_properties(number)
            query = ("nvidia-smi", f"--id={number}", "--query-gpu=driver_version", "--format=csv,noheader")
            machine |= {
                "gpu": properties.name,
                "gpu_memory_gb": round(properties.total_memory / 2**30, 1),
                "compute_capability": f"{properties.major}.{properties.minor}",
                "driver": output_of(*query),
                "cuda": torch.version.cuda,
                "cudnn": torch.backends.cudnn.version(),
            }
        self.write()
        return None

    def run_tests(self) -> None:
        """Run the device tests, with the device that was asked for."""
        if importlib.util.find_spec("pytest") is None:
            self.summary["tests"] = {"status": "not run", "reason": "pytest is not installed"}
            self.failed = True
            self.write()
            return
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "default", self.options.tests]
        start, log = time.monotonic(), self.options.output / "tests.txt"
        code = run(command, self.left * TEST_SHARE, log, FWIBENCH_TEST_DEVICE=self.options.device)
        lines = log.read_text(errors="replace").strip().splitlines()
        status = "timeout" if code is None else "passed" if code == 0 else "failed"
        self.failed |= status != "passed"
        self.summary["tests"] = {
            "status": status,
            "seconds": round(time.monotonic() - start, 1),
            "result": lines[-1].strip("= ") if lines else "",
            "failures": [line for line in lines if line.startswith(("FAILED", "ERROR"))],
        }
        self.write()

    def prepare(self) -> None:
        """Make the samples, which takes processor cores and no GPU."""
        options, start = self.options, time.monotonic()
        command = fwibench("data", "prepare", options.dataset, "--profile", options.profile)
        log = options.output / "data.txt"
        code = run(command, max(self.left, 0) * DATA_SHARE, log)
        self.summary["data_s"] = round(time.monotonic() - start, 1)
        if code:
            self.failed = True
            self.summary["data_error"] = last_line(log)
        self.write()

    def run_method(self, method: str) -> None:
        """Run one method in at most half of the time that is left."""
        options, cell = self.options, {"method": method}
        self.summary["cells"].append(cell)
        limit = self.left * METHOD_SHARE - STARTING_S
        if limit < LEAST_S - STARTING_S:
            cell |= {"status": "not begun", "reason": f"{max(self.left, 0):.0f} s were left"}
            self.write()
            return
        place = ["--dataset", options.dataset, "--profile", options.profile, "--device", options.device]
        samples = INVERSION_SAMPLES if inverts(method) else None
        place += ["--test-samples", str(samples)] if samples else []
        limits = ["--time-limit", f"{limit:.0f}s", "--results", str(options.output)]
        start, began, log = time.monotonic(), time.time(), options.output / f"{method}.txt"
        code = run(fwibench("run", "--methods", method, *place, *limits), limit + STARTING_S, log)
        cell |= {"seconds": round(time.monotonic() - start, 1), "limit_s": round(limit)}
        record = newest_record(options.output, method, samples, began)
        if record is None:
            cell |= {"status": "timeout" if code is None else "failed", "reason": last_line(log)}
        else:
            cell |= {name: record[name] for name in ("status", "reason", "device", "scores", "costs", "n_test")}
        self.failed |= cell["status"] not in ("ok", "timeout", "skipped")
        self.write()

    def finish(self) -> None:
        """Write the leaderboard and the last summary."""
        wanted = self.options.output / "leaderboard.csv"
        records = ["--results", str(self.options.output), "--export", str(wanted)]
        log = self.options.output / "leaderboard.txt"
        run(fwibench("leaderboard", *records), max(self.deadline - time.monotonic(), 5.0), log)
        self.summary["seconds"] = round(self.options.budget - (self.deadline - time.monotonic()), 1)
        self.write()
        print((self.options.output / "check.md").read_text())

    def write(self) -> None:
        """Write what is known so far."""
        (self.options.output / "check.json").write_text(json.dumps(self.summary, indent=1) + "\n")
        (self.options.output / "check.md").write_text("\n".join(markdown(self.summary)) + "\n")


def markdown(summary: dict[str, Any]) -> Iterator[str]:
    """Lines of the summary for people."""
    machine = summary["machine"]
    yield f"# {summary['profile']} {summary['dataset']} on {machine.get('gpu') or summary['device']}"
    yield ""
    yield f"`{summary['command']}`"
    yield ""
    yield f"Started {summary['started']}; took {summary.get('seconds', '?')} s of at most {summary['budget_s']:g} s."
    yield ""
    for name, value in machine.items():
        texts = (f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else (str(value),)
        yield f"- {name.replace('_', ' ')}: {', '.join(texts)}"
    tests = summary["tests"]
    yield f"- device tests: {tests['status']} {tests.get('result') or tests.get('reason', '')}".rstrip()
    yield from (f"  - {line}" for line in tests.get("failures", ()))
    if summary["data_s"] is not None:
        yield f"- data: {summary['data_s']} s {summary.get('data_error', '')}".rstrip()
    yield ""
    yield f"| {' | '.join(HEADER)} |"
    yield f"|{'---|' * len(HEADER)}"
    for cell in summary["cells"]:
        costs = cell.get("costs", {})
        numbers = [cell.get("scores", {}).get("mae"), *(costs.get(name) for name in ("fit_s", "predict_s"))]
        numbers += [costs.get("throughput_per_s"), costs.get("peak_device_memory_mb")]
        texts = ["" if number is None else f"{number:.4g}" for number in numbers]
        ends = [str(cell.get("n_test") or ""), cell.get("reason", "").replace("|", "/").replace("\n", " ")]
        starts = [cell["method"], cell.get("status", "running"), cell.get("device", "")]
        yield f"| {' | '.join([*starts, *texts, *ends])} |"


def run(command: list[str], limit: float, log: Path, **variables: str) -> int | None:
    """Run a command in a process group of its own; its exit code, None if it took too long."""
    if limit <= 0:
        log.write_text("there was no time left\n")
        return None
    with log.open("wb") as stream:
        child = subprocess.Popen(
            command,
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, **variables},
            start_new_session=True,
        )
        try:
            return child.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def fwibench(*arguments: str) -> list[str]:
    """Return the words of a fwibench command with this Python."""
    return [sys.executable, "-m", "fwibench", *arguments]


def inverts(method: str) -> bool:
    """Whether a method inverts every sample by itself."""
    from fwibench.plugins.registry import load_registry

    offers = load_registry().methods
    return method in offers and offers[method].spec.kind in ("iterative", "hybrid")


def newest_record(results: Path, method: str, samples: int | None, since: float) -> dict[str, Any] | None:
    """Return the latest record of a method since a time, or an earlier one whose cell was finished.

    A method that another one refines has a record of its own on that one's test samples.
    """
    found = []
    for path in results.glob("runs/*/record.json"):
        record, written = json.loads(path.read_text()), path.stat().st_mtime
        wanted = (method, samples) == (record["cell"]["method"], record["cell"]["test_samples"])
        if wanted and (written >= since or record["status"] == "ok"):
            found.append((written, record))
    return max(found, key=lambda one: one[0])[1] if found else None


def installed(package: str) -> str | None:
    """Version of a package; None where it is not installed."""
    with contextlib.suppress(PackageNotFoundError):
        return version(package)
    return None


def output_of(*command: str) -> str | None:
    """What a command prints; None where there is no such command or it fails."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip() or None
    return None


def last_line(log: Path) -> str:
    """Return the error that a log tells, or else its last line."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error:")]
    return next(iter([*errors, *reversed(lines)]), "")


if __name__ == "__main__":
    sys.exit(main())
