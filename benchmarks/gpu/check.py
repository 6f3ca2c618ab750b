"""The device tests, a table of rates and runs of every method on a GPU, within seven minutes: `make gpu-check`.

Writes into the output folder, after every step anew, so that nothing is lost where it is stopped early:
`check.json` and `check.md` (machine, versions, command, tests, rates, cells), `leaderboard.csv`, `tests.txt`, and
the records below `runs/`. Every part has a deadline of its own. What did not fit in the time, and what cannot run
here, is listed with the reason, never left out. The exit code is 0 if the tests pass and nothing failed, 1 if not, 3 if
the device is not there.

    python benchmarks/gpu/check.py --device cuda --budget 420 --output results/gpu

It needs fwibench and pytest. `--device cpu --profile smoke` tries everything but the GPU, at the smallest sizes.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commands import ROOT, NoDeviceError, describe_machine, fwibench, last_line, run

METHODS = (
    "invlint,inversionnet,pixel-ridge,nearest-neighbour,mean-map,velocitygan,multiscale-fwi,refine,"
    "multiscale-fwi-oracle"
)
"""What stands first runs first: of the important ones and of the short ones nothing is lost."""
LONG = ("inversionnet", "velocitygan")
"""Methods whose published recipe takes longer than the check on a small dataset: their training gets a time budget."""
LONG_SHARE = 0.7
"""Share of a cell's limit that such a training gets."""
HEADER = (
    "method",
    "seed",
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
RATES_HEADER = ("measured", "of", "rate", "CPU", "ratio", "busy share", "remark")
INVERSION_SAMPLES = 5
"""Test samples of methods that invert every sample by itself; they take about as long as the rest together."""
TEST_SHARE = 0.35
"""Most of the time that the tests may take."""
RATES_SHARE = 0.35
"""Most of the time left that the table of rates may take."""
RATES_MARGIN_S = 5.0
"""How much later than its own limit the script of the rates is killed: it begins no measurement it cannot end."""
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
    try:
        check.describe_device()
    except NoDeviceError as lacking:
        print(f"error: {lacking}; --device cpu needs none", file=sys.stderr)
        return 3
    if options.tests != "none":
        check.run_tests()
    check.prepare()
    if options.rates:
        check.measure_rates()
    for seed in range(options.seeds):
        for method in options.methods.split(","):
            if not seed or repeats(method):
                check.run_method(method, seed)
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
    parser.add_argument("--seeds", type=int, default=3, help="random seeds; all methods with the first one come first")
    parser.add_argument("--no-rates", dest="rates", action="store_false", help="leave out the table of rates")
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
            "rates": [],
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

    def describe_device(self) -> None:
        """Describe the machine; raises `NoDeviceError`."""
        self.summary["machine"] = describe_machine(self.options.device)
        self.write()

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

    def measure_rates(self) -> None:
        """Measure the rates; those that did not fit in the time are missing or have a reason."""
        limit = max(self.left, 0) * RATES_SHARE
        table, log = self.options.output / "rates.json", self.options.output / "rates.txt"
        table.unlink(missing_ok=True)
        command = [sys.executable, str(Path(__file__).with_name("rates.py")), "--device", self.options.device]
        command += ["--output", str(table), "--seconds", f"{limit - RATES_MARGIN_S:.0f}"]
        code = run([*command, *(["--quick"] if self.options.profile == "smoke" else [])], limit, log)
        self.summary["rates"] = json.loads(table.read_text()) if table.exists() else []
        if code:
            self.failed = True
        if code != 0:
            self.summary["rates_error"] = "stopped at its deadline" if code is None else last_line(log)
        self.write()

    def run_method(self, method: str, seed: int) -> None:
        """Run one method with one seed in at most half of the time that is left."""
        options, cell = self.options, {"method": method, "seed": seed}
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
        limits += ["--budget", f"{LONG_SHARE * limit:.0f}s"] if method in LONG and options.profile == "paper" else []
        start, began, log = time.monotonic(), time.time(), options.output / f"{method}-{seed}.txt"
        command = fwibench("run", "--methods", method, "--first-seed", str(seed), *place, *limits)
        code = run(command, limit + STARTING_S, log)
        cell |= {"seconds": round(time.monotonic() - start, 1), "limit_s": round(limit)}
        record = newest_record(options.output, (method, samples, seed), began)
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
    if "rates_error" in summary:
        yield f"- rates: {summary['rates_error']}"
    yield ""
    if summary["rates"]:
        yield from rates_table(summary["rates"])
        yield ""
    yield f"| {' | '.join(HEADER)} |"
    yield f"|{'---|' * len(HEADER)}"
    for cell in summary["cells"]:
        costs = cell.get("costs", {})
        numbers = [cell.get("scores", {}).get("mae"), *(costs.get(name) for name in ("fit_s", "predict_s"))]
        numbers += [costs.get("throughput_per_s"), costs.get("peak_device_memory_mb")]
        texts = ["" if number is None else f"{number:.4g}" for number in numbers]
        ends = [str(cell.get("n_test") or ""), cell.get("reason", "").replace("|", "/").replace("\n", " ")]
        starts = [cell["method"], str(cell["seed"]), cell.get("status", "running"), cell.get("device", "")]
        yield f"| {' | '.join([*starts, *texts, *ends])} |"


def rates_table(rates: list[dict[str, Any]]) -> Iterator[str]:
    """Lines of the table of rates."""
    yield f"| {' | '.join(RATES_HEADER)} |"
    yield f"|{'---|' * len(RATES_HEADER)}"
    for row in rates:
        numbers = [row.get(name) for name in ("rate", "cpu_rate", "ratio", "busy")]
        texts = ["" if number is None else f"{number:.3g}" for number in numbers]
        remark = row.get("reason") or (f"data {row['difference']:.1e} off" if "difference" in row else "")
        yield f"| {' | '.join([row['kind'], row['subject'], *texts, remark.replace('|', '/')])} |"


def inverts(method: str) -> bool:
    """Whether a method inverts every sample by itself."""
    from fwibench.plugins.registry import load_registry

    offers = load_registry().methods
    return method in offers and offers[method].spec.kind in ("iterative", "hybrid")


def repeats(method: str) -> bool:
    """Whether a method depends on the random seed."""
    from fwibench.plugins.registry import load_registry

    offers = load_registry().methods
    return method in offers and not offers[method].spec.deterministic


def newest_record(results: Path, cell: tuple[str, int | None, int], since: float) -> dict[str, Any] | None:
    """Return the latest record of a cell since a time, or an earlier one that was finished.

    A method that another one refines has a record of its own on that one's test samples.

    Args:
        results: Folder of the results.
        cell: Method, number of test samples (None: all) and seed.
        since: Time of the file system [s].
    """
    found = []
    for path in results.glob("runs/*/record.json"):
        record, written = json.loads(path.read_text()), path.stat().st_mtime
        same = cell == tuple(record["cell"][name] for name in ("method", "test_samples", "seed"))
        if same and (written >= since or record["status"] == "ok"):
            found.append((written, record))
    return max(found, key=lambda one: one[0])[1] if found else None


if __name__ == "__main__":
    sys.exit(main())
