"""What `plan` estimates against what happens: each cell estimated by a probe, or from cells of another size, then run.

    python benchmarks/bench_plan.py [--dataset salt] [--profile smoke] [--from-profile PROFILE] [--methods ...]
                                    [--test-samples N]

Without `--from-profile` the estimates come from `plan --probe` in an empty results folder. With it the same methods run
with that profile first, and `plan` scales these cells. Data are made beforehand; their estimate by the probe is shown
beside the time that making them took. The times hold for the load of the machine during each step.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

METHODS = (
    "mean-map,nearest-neighbour,pixel-ridge,invlint[max_batches=200],inversionnet[max_batches=20],"
    "velocitygan[max_batches=20],multiscale-fwi[iterations=5]"
)


def fwibench(*words: str) -> dict:
    """Run a command, and return its output as JSON."""
    done = subprocess.run([sys.executable, "-m", "fwibench", *words, "--json"], capture_output=True, text=True)
    if not done.stdout:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="salt")
    parser.add_argument("--profile", default="smoke")
    parser.add_argument("--from-profile")
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--test-samples", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as results:
        common = ["--methods", chosen.methods, "--dataset", chosen.dataset, "--results", results]
        common += ["--test-samples", str(chosen.test_samples)]
        target = [*common, "--profile", chosen.profile]
        probe = [] if chosen.from_profile else ["--probe"]
        start = time.perf_counter()
        plan = fwibench("plan", *target, "--probe") if probe else None
        if plan:
            print(f"plan --probe: {time.perf_counter() - start:.1f} s")
        for entry in plan["data"] if plan else []:
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "fwibench", "data", "prepare", entry["dataset"], "--profile", chosen.profile],
                capture_output=True,
                check=True,
            )
            took = time.perf_counter() - start
            print(f"data of {entry['dataset']}: {entry['seconds']:.1f} s estimated, {took:.1f} s with start-up")
        if chosen.from_profile:
            fwibench("run", *common, "--profile", chosen.from_profile)
            plan = fwibench("plan", *target)
        start = time.perf_counter()
        fwibench("run", *target)
        took = time.perf_counter() - start
        print(f"{'cell':45s} {'estimated':>10s} {'measured':>10s} {'ratio':>6s}  basis")
        for cell in plan["cells"]:
            record = json.loads((Path(results) / "runs" / cell["cell"] / "record.json").read_text())
            estimated, measured = cell["seconds"], record["wall_s"]
            shown = "" if estimated is None else f"{estimated:10.1f} {measured:10.1f} {estimated / measured:6.2f}"
            print(f"{cell['cell'][:-9]:45s} {shown or record['status']:28s}  {cell['basis']}")
        print(f"the whole: {plan['whole']['seconds']:.1f} s estimated (with data), {took:.1f} s for the cells")


if __name__ == "__main__":
    main()
