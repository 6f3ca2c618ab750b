"""Eight cheap cells side by side (`--jobs 2`) against one after the other.

    python benchmarks/bench_jobs.py [--rounds 3] [--profile smoke]

The data are prepared before.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from functools import partial

from measuring import Benchmark

CELLS = ("--methods", "invlint", "--set", "invlint.epochs=100", "--seeds", "8")
"""A network whose training gains little from a second core, as most of those that are run many times."""


def run(*options: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "fwibench", "run", *CELLS, "--dataset", "salt", *options]
        subprocess.run([*command, "--results", folder], check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", default="smoke")
    given = parser.parse_args()
    profile = ("--profile", given.profile)
    prepare = [sys.executable, "-m", "fwibench", "data", "prepare", "salt", *profile]
    subprocess.run(prepare, check=True, capture_output=True)
    ways = {f"--jobs {jobs}": partial(run, *profile, "--jobs", str(jobs)) for jobs in (2, 1)}
    with Benchmark("jobs", "Eight cheap cells") as bench:
        bench.compare("InvLINT on salt", ways, rounds=given.rounds)


if __name__ == "__main__":
    main()
