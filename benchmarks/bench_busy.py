"""A cell beside another training, against the same cell alone: how many times longer its fit and prediction take.

The other training is `fwibench run` of InversionNet with as many threads as it takes by itself. Two processes that
share the cores fairly take twice as long; a fit that waits for threads that are not scheduled took fifty times as long.

    python benchmarks/bench_busy.py [METHODS] [DATASET] [PROFILE] [SETTING ...]

for example `python benchmarks/bench_busy.py invlint,inversionnet salt quick invlint.max_batches=300`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

METHODS = "invlint,inversionnet,velocitygan,pixel-ridge,nearest-neighbour,mean-map"
SETTINGS = ("invlint.max_batches=300", "inversionnet.epochs=2", "velocitygan.epochs=1")
VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OPENBLAS_THREAD_TIMEOUT")
LONGEST_START_S = 120.0


def command(methods: str, dataset: str, profile: str, results: Path, settings: tuple[str, ...]) -> list[str]:
    chosen = [part for setting in settings for part in ("--set", setting)]
    place = ["--dataset", dataset, "--profile", profile, "--results", str(results), "--force", "--device", "cpu"]
    return [sys.executable, "-m", "fwibench", "run", "--methods", methods, *place, *chosen]


def costs(methods: str, dataset: str, profile: str, results: Path, settings: tuple[str, ...]) -> dict[str, dict]:
    """Costs of the cells of one command, by method, with the seconds of the whole cell."""
    done = subprocess.run(
        command(methods, dataset, profile, results, settings), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    found = {}
    for path in results.glob("runs/*/record.json"):
        record = json.loads(path.read_text())
        epochs = [entry["seconds"] for entry in record["history"] if "seconds" in entry]
        more = {"wall_s": record["wall_s"], "epoch_s": float(np.median(epochs)) if epochs else None, "record": record}
        found[record["cell"]["method"]] = record["costs"] | more
    return found


def start_other(results: Path) -> subprocess.Popen:
    """A training that goes on until it is stopped; returns when its first epoch is done."""
    settings = ("inversionnet.epochs=100000", "inversionnet.max_batches=1000000")
    wanted = command("inversionnet", "salt", "quick", results, settings)
    other = subprocess.Popen(wanted, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + LONGEST_START_S
    while not list(results.glob("runs/*/work/checkpoint.pt")):
        if other.poll() is not None or time.monotonic() > deadline:
            other.terminate()
            sys.exit("the other training did not start")
        time.sleep(0.2)
    return other


def generation(dataset: str, folder: Path) -> float:
    """Seconds in which the smoke samples of a dataset are made."""
    start = time.perf_counter()
    wanted = [sys.executable, "-m", "fwibench", "data", "prepare", dataset, "--profile", "smoke"]
    subprocess.run(wanted, env={**os.environ, "FWIBENCH_DATA": str(folder)}, capture_output=True, check=True)
    return time.perf_counter() - start


def show(what: str, name: str, before: float, after: float) -> None:
    print(f"{what:18} {name:16} alone {before:9.3f}   beside {after:9.3f}   ratio {after / before:6.1f}", flush=True)


def main() -> None:
    methods, dataset, profile = (*sys.argv[1:4], *(METHODS, "salt", "quick")[len(sys.argv[1:4]) :])
    settings = tuple(sys.argv[4:]) or tuple(s for s in SETTINGS if s.partition(".")[0] in methods.split(","))
    chosen = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    print(f"{len(os.sched_getaffinity(0))} cores, {profile} {dataset}, environment {chosen or 'as it is'}")
    with tempfile.TemporaryDirectory() as folder:
        generated = [generation(dataset, Path(folder, "data alone"))]
        alone = costs(methods, dataset, profile, Path(folder, "alone"), settings)
        other = start_other(Path(folder, "other"))
        try:
            beside = costs(methods, dataset, profile, Path(folder, "beside"), settings)
            generated.append(generation(dataset, Path(folder, "data beside")))
        finally:
            other.terminate()
            other.wait()
    show("generation", "smoke samples", *generated)
    for method in methods.split(","):
        for name in ("fit_s", "epoch_s", "predict_s", "predict_ms_cpu1", "wall_s"):
            before, after = alone[method][name], beside[method][name]
            if before and after:
                show(method, name, before, after)
        loads = " and ".join(f"{one['record']['load']['others']:.2f}" for one in (alone[method], beside[method]))
        threads = " and ".join(str(one["fit_threads"]) for one in (alone[method], beside[method]))
        print(f"{'':18} threads of the fit {threads}, cores that others used {loads}")


if __name__ == "__main__":
    main()
