"""`fwibench leaderboard` over 2,000 records, against an empty folder.

The records hold a history of 200 epochs and scores of 100 test samples each, in two shapes: 4 datasets with 50 rows of
10 seeds, and 4 datasets with 500 rows of one seed. Every run is a new process; the shapes take turns with an empty
folder's, so that drift of the machine meets all. Last, the interval of one row against scipy.stats.bootstrap.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import stats

from fwibench.boards.statistics import interval
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Costs, Record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import Scores, write_scores

RECORDS, SAMPLES, EPOCHS, DATASETS = 2000, 100, 200, 4
ROUNDS = 5
ASKED_S = 3.0
METRICS = ("mae", "mse", "rmse", "ssim", "ssim-wang")


def lay_out(root: Path, seeds: int) -> None:
    """Writes the records."""
    generator = np.random.default_rng(0)
    ids = tuple(f"bench-{number:06d}" for number in range(SAMPLES))
    history = [{"epoch": float(n), "train_loss": 0.1, "val_loss": 0.2, "seconds": 0.3} for n in range(EPOCHS)]
    os.fsync = lambda _: None  # the disk is not what is measured
    for number in range(RECORDS):
        row, seed = divmod(number, seeds)
        cell = Cell(
            method="bench",
            method_version="1",
            options={"width": row // DATASETS},
            dataset=f"bench-{row % DATASETS}",
            dataset_options={},
            fingerprint="f",
            split="random",
            seed=seed,
            profile="quick",
        )
        values = {name: generator.lognormal(4 + row / RECORDS, 0.5, SAMPLES) for name in METRICS}
        scores = Scores(ids, values)
        record = Record(
            cell=cell,
            status="ok",
            chosen={"width": row // DATASETS},
            source="synthetic",
            unit="m/s",
            n_test=SAMPLES,
            scores=scores.pooled(),
            costs=Costs(fit_s=1.0),
            history=history,
            environment={"packages": {"fwibench": "0"}},
            started="2026-01-01T00:00:00Z",
        )
        folder = Results(root).folder(cell)
        write_scores(scores, folder)
        write_record(record, RunFiles(folder).record)


def seconds(root: Path) -> tuple[float, float]:
    """Wall and processor time of the command; the second tells less of whatever else the machine does."""
    command = [sys.executable, "-P", "-m", "fwibench", "leaderboard", "--results", str(root), "--json"]
    start, before = time.perf_counter(), os.times()
    subprocess.run(command, capture_output=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, used


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shapes = {"200 rows of 10 seeds": Path(folder) / "ten", "2000 rows of 1 seed": Path(folder) / "one"}
        for root, seeds in zip(shapes.values(), (10, 1), strict=True):
            lay_out(root, seeds)
        places = {"no records": Path(folder) / "none", **shapes}
        times = {name: [] for name in places}
        for _ in range(ROUNDS):
            for name, root in places.items():
                times[name].append(seconds(root))
    for name, taken in times.items():
        wall, used = (statistics.median(column) for column in zip(*taken, strict=True))
        print(f"{name}: median {wall:.2f} s, of processor {used:.2f} s; asked: under {ASKED_S} s")
    scores = np.random.default_rng(0).lognormal(size=(1, SAMPLES))
    interval(scores)  # the draws are shared by all rows of one size
    start = time.perf_counter()
    interval(scores)
    ours = time.perf_counter() - start
    start = time.perf_counter()
    stats.bootstrap((scores[0],), np.mean, n_resamples=2000, method="percentile", rng=0)
    print(f"interval of a row: {1e3 * ours:.2f} ms, scipy.stats.bootstrap {1e3 * (time.perf_counter() - start):.2f} ms")


if __name__ == "__main__":
    main()
