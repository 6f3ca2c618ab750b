"""Marmousi at the size of the paper, and the training of InvLINT and InversionNet on it, as far as nine minutes go.

    python benchmarks/gpu/paper.py --device cuda --budget 540 --output results/gpu-paper

Makes the 30,000 maps and their measurements (42 GB below FWIBENCH_DATA), then runs each method with its paper profile.
Every step may be stopped: a second call with the same folders keeps the shards that are complete and the cells that are
finished, and continues a fit from its last checkpoint. `paper.json` says after every step how far it got.
The exit code is 0 if everything is finished, 1 if a step failed, 3 if the device is not there, 4 if time ran out.

`--device cpu --profile smoke` tries everything but the GPU, on 20 maps.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from commands import ROOT, NoDeviceError, describe_machine, fwibench, last_line, run

RESERVE_S = 10.0
"""Time that is left for the leaderboard [s]."""
STARTING_S = 12.0
"""How much later than a cell's own limit its command is killed: it imports, plans and hashes the samples [s]."""
UNFINISHED = 4
"""Exit code where time ran out."""


def main() -> int:
    """Make the data, then train, until the time is over."""
    options = parse()
    options.output.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + options.budget - RESERVE_S
    summary: dict[str, Any] = {"command": shlex.join([Path(sys.executable).name, *sys.argv]), "steps": []}
    try:
        summary["machine"] = describe_machine(options.device)
    except NoDeviceError as lacking:
        print(f"error: {lacking}; --device cpu needs none", file=sys.stderr)
        return 3

    place = ["--profile", options.profile, "--device", options.device]
    data = fwibench("data", "prepare", options.dataset, *place, "--jobs", str(options.jobs))
    complete = step(summary, options.output, "data", data, deadline - time.monotonic())
    methods = options.methods.split(",") if complete else []
    for number, method in enumerate(methods):
        left = (deadline - time.monotonic()) / (len(methods) - number) - STARTING_S
        cell = fwibench("run", "--methods", method, "--dataset", options.dataset, *place)
        cell += ["--time-limit", f"{max(left, 1):.0f}s", "--results", str(options.output)]
        complete &= step(summary, options.output, method, cell, left + STARTING_S)
    finish_with(summary, options)
    failed = any(one["status"] == "failed" for one in summary["steps"])
    return 1 if failed else 0 if complete else UNFINISHED


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu (default: %(default)s)")
    parser.add_argument("--profile", default="paper", help="smoke, quick or paper (default: %(default)s)")
    parser.add_argument("--dataset", default="marmousi")
    parser.add_argument("--methods", default="invlint,inversionnet", help="methods, in this order")
    parser.add_argument("--jobs", type=int, default=6, help="processes that make the data (default: %(default)s)")
    parser.add_argument("--budget", type=float, default=540.0, help="seconds for everything (default: %(default)g)")
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "gpu-paper", help="folder of the results")
    options = parser.parse_args()
    options.output = options.output.absolute()
    return options


def step(summary: dict[str, Any], output: Path, name: str, command: list[str], limit: float) -> bool:
    """Run a command and record how it ended; whether it finished.

    Args:
        summary: Receives an entry in `steps`.
        output: Folder of the log and the summary.
        name: Name of the step.
        command: Words of the command.
        limit: Time after which it is stopped [s].
    """
    log, start = output / f"{name}.txt", time.monotonic()
    code = run(command, limit, log)
    entry = {"step": name, "seconds": round(time.monotonic() - start, 1), "status": status_of(name, code, output)}
    if epochs := re.findall(r": fit (\d+/\d+)", log.read_text(errors="replace")):
        entry["epochs"] = epochs[-1]
    summary["steps"].append(entry | ({} if code == 0 else {"reason": last_line(log)}))
    (output / "paper.json").write_text(json.dumps(summary, indent=1) + "\n")
    return entry["status"] == "ok"


def status_of(name: str, code: int | None, output: Path) -> str:
    """Return `ok`, `unfinished` where time ran out, or `failed`; a cell has stated it in its record."""
    if not code:
        return "unfinished" if code is None else "ok"
    records = [json.loads(path.read_text()) for path in output.glob("runs/*/record.json")]
    statuses = {record["status"] for record in records if record["cell"]["method"] == name}
    return "unfinished" if "timeout" in statuses else "failed"


def finish_with(summary: dict[str, Any], options: argparse.Namespace) -> None:
    """Write the leaderboard of the finished cells, and print what was done."""
    records = ["--results", str(options.output), "--export", str(options.output / "leaderboard.csv")]
    run(fwibench("leaderboard", *records), RESERVE_S, options.output / "leaderboard.txt")
    for one in summary["steps"]:
        epochs = f", epochs {one['epochs']}" if "epochs" in one else ""
        print(f"{one['step']}: {one['status']} after {one['seconds']} s{epochs} {one.get('reason', '')}".rstrip())


if __name__ == "__main__":
    sys.exit(main())
