"""`fwibench leaderboard`, `compare` and `report` over 10,000 records with a million scores of samples.

The records hold a history of 200 epochs and scores of 100 test samples each: 4 datasets with 250 rows of 10 seeds. The
other way to a table is a loop that reads each record with `json` and its scores with pandas, and averages the errors;
it has no intervals and no ranks. All are new processes. Reports are without samples, since the datasets are made up.
Last, the interval of one row against scipy.stats.bootstrap.
"""

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import ROUNDS, Benchmark
from scipy import stats

from fwibench.boards.statistics import interval
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Costs, Record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import Scores, write_scores

RECORDS, SEEDS, SAMPLES, EPOCHS, DATASETS = 10_000, 10, 100, 200, 4
SIZES = (1250, 2500, 5000, 10_000)
METRICS = ("mae", "mse", "rmse", "ssim", "ssim-wang")
LOOP = """
import json, sys
from pathlib import Path
import pandas as pd

rows = []
for folder in sorted(Path(sys.argv[1], "runs").iterdir()):
    record = json.loads((folder / "record.json").read_text())
    cell = record["cell"]
    mae = pd.read_csv(folder / "scores.csv")["mae"].mean()
    rows.append((cell["dataset"], cell["method"], json.dumps(cell["options"]), cell["seed"], mae))
table = pd.DataFrame(rows, columns=["dataset", "method", "options", "seed", "mae"])
print(table.groupby(["dataset", "method", "options"])["mae"].mean().reset_index().to_csv())
"""


def lay_out(root: Path, records: int) -> None:
    """Writes the records."""
    generator = np.random.default_rng(0)
    ids = tuple(f"bench-{number:06d}" for number in range(SAMPLES))
    history = [{"epoch": float(n), "train_loss": 0.1, "val_loss": 0.2, "seconds": 0.3} for n in range(EPOCHS)]
    os.fsync = lambda _: None  # the disk is not what is measured
    for number in range(records):
        row, seed = divmod(number, SEEDS)
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


def command(root: Path, *words: str) -> str:
    wanted = [sys.executable, "-P", "-m", "fwibench", *words, "--results", str(root)]
    return subprocess.run(wanted, capture_output=True, text=True, check=True).stdout


def errors_of_board(root: Path) -> list[float]:
    return sorted(row["mae"] for row in json.loads(command(root, "leaderboard", "--json")))


def compare(root: Path) -> None:
    command(root, "compare", "bench[width=1]", "bench[width=2]", "--dataset", "bench-1")


def report(root: Path) -> None:
    command(root, "report", "-o", str(root / "report.html"), "--max-samples", "0")


def errors_of_loop(root: Path) -> list[float]:
    printed = subprocess.run([sys.executable, "-c", LOOP, str(root)], capture_output=True, text=True, check=True).stdout
    return sorted(pd.read_csv(io.StringIO(printed))["mae"])


def apart(found: list[float], ours: list[float]) -> float:
    return float(np.abs(np.array(found) / np.array(ours) - 1).max())


def peak_mb(call: Callable[[], object]) -> float:
    """Largest resident size of the child processes so far."""
    call()
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        roots = {size: Path(folder, str(size)) for size in SIZES}
        for size, root in roots.items():
            lay_out(root, size)
        whole = roots[RECORDS]
        with Benchmark("leaderboard", f"Tables of {RECORDS} records with {RECORDS * SAMPLES} scores") as bench:
            for size in (SIZES[0], RECORDS):
                peak = peak_mb(partial(errors_of_board, roots[size]))
                bench.note(f"largest resident size of leaderboard, {size} records", peak, "MB")
            ways = {
                "ours": partial(errors_of_board, whole),
                "loop with json and pandas": partial(errors_of_loop, whole),
            }
            bench.compare("leaderboard", ways, difference=apart, at_most=1e-12)
            for name, work, rounds in (
                ("leaderboard", errors_of_board, ROUNDS),
                ("compare", compare, ROUNDS),
                ("report", report, 2),
            ):
                bench.grow(name, "records", SIZES, lambda size, work=work: partial(work, roots[size]), rounds=rounds)
            # the report is the largest by far
            bench.note(f"largest resident size of all commands, {RECORDS} records", peak_mb(lambda: None), "MB")
            scores = np.random.default_rng(0).lognormal(size=(1, SAMPLES))
            resampled = {
                "ours": lambda: interval(scores),
                "scipy.stats.bootstrap": lambda: stats.bootstrap(
                    (scores[0],), np.mean, n_resamples=2000, method="percentile", rng=0
                ),
            }
            bench.compare("interval of a row", resampled)


if __name__ == "__main__":
    main()
