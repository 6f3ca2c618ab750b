"""Eight cheap cells side by side (`--jobs 2`) against one after the other, taking turns in this one process.

    python benchmarks/bench_jobs.py [--rounds 3]

prints the median time of each, and their ratio. The data are prepared before.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time

CELLS = ("--methods", "invlint", "--set", "invlint.epochs=100", "--seeds", "8")
"""A network whose training gains little from a second core, as most of those that are run many times."""


def seconds(*options: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "fwibench", "run", *CELLS, "--dataset", "salt", *options]
        start = time.perf_counter()
        subprocess.run([*command, "--results", folder], check=True, capture_output=True)
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", default="smoke")
    given = parser.parse_args()
    profile = ("--profile", given.profile)
    subprocess.run(
        [sys.executable, "-m", "fwibench", "data", "prepare", "salt", *profile], check=True, capture_output=True
    )
    single, pair = [], []
    for _ in range(given.rounds):
        single.append(seconds(*profile, "--jobs", "1"))
        pair.append(seconds(*profile, "--jobs", "2"))
    one, two = statistics.median(single), statistics.median(pair)
    print(f"one after the other {one:.1f} s, two at a time {two:.1f} s: {one / two:.2f} times faster")


if __name__ == "__main__":
    main()
