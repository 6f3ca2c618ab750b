"""`fwibench board` of 50 bundles on 8 datasets: time to make the site, its size, time to open it in headless Chromium.

The datasets are prepared at smoke size in a folder of their own. A bundle holds the run of a method on two of them: the
truth with noise on every node, which compresses worse than any real map. Time is that of the whole command in a process
of its own. Opening is timed from the request to the load event, in a new tab, for the first page and the largest one.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_report import FLAGS
from measuring import Benchmark, clock

from fwibench.datasets.base import Dataset
from fwibench.files.atomic import DATA_VARIABLE
from fwibench.methods.complexity import Complexity
from fwibench.plugins.registry import load_registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import Predictions, write_predictions
from fwibench.runs.artefacts.record import Costs, Record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.bundles.writing import write_bundle
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.opening.datasets import open_dataset

DATASETS = ("salt", "flatvel-a", "flatvel-b", "curvevel-a", "curvevel-b", "flatfault-a", "style-a", "style-b")
BUNDLES, ENTRIES, ROUNDS = 50, 2, 5


def leave_run(root: Path, dataset: Dataset, number: int) -> Path:
    """Writes a finished run of a made-up method, and returns its folder."""
    test = dataset.split(dataset.spec.schemes[0], "test")
    bounds, truth = dataset.problem.property, test.properties[:]
    noise = np.random.default_rng(number).normal(0, 0.002 * (1 + number) * (bounds.high - bounds.low), truth.shape)
    cell = Cell(
        method=f"method-{number:02d}",
        method_version="1",
        options={"alpha": 1.0, "width": number},
        dataset=dataset.spec.name,
        dataset_options={},
        fingerprint=dataset.fingerprint,
        split=dataset.spec.schemes[0],
        seed=0,
        profile="smoke",
    )
    record = Record(
        cell=cell,
        status="ok",
        kind="learned",
        source=dataset.source,
        unit=bounds.unit,
        n_test=len(truth),
        complexity=Complexity(parameters=10**6 + number, flops=10**9 + number, flops_kind="counted"),
        costs=Costs(fit_s=60.0 + number, predict_ms_cpu1=1.0 + number),
        environment=describe_environment(),
        started="2026-01-01T00:00:00Z",
    )
    folder = Results(root).folder(cell)
    write_predictions(Predictions(test.ids, (truth + noise).astype(np.float32)), folder)
    write_record(record, RunFiles(folder).record)
    return folder


def make_bundles(root: Path, output: Path) -> None:
    """Prepares the datasets, and writes the bundles."""
    registry = load_registry()
    datasets = [open_dataset(registry, name, "smoke") for name in DATASETS]
    for dataset in datasets:
        dataset.prepare()
    for number in range(BUNDLES):
        chosen = [datasets[(ENTRIES * number + step) % len(datasets)] for step in range(ENTRIES)]
        runs = [leave_run(root, dataset, number) for dataset in chosen]
        write_bundle(runs, output / f"group-{number:02d}.zip", registry, ["fwibench", "bundle"], {})


def open_pages(site: Path) -> dict[str, list[float]]:
    """Seconds until a page is loaded; a new tab each time."""
    from playwright.sync_api import sync_playwright

    pages = {"first page": site / "index.html"}
    pages["largest page"] = max(site.rglob("*.html"), key=lambda path: path.stat().st_size)
    times: dict[str, list[float]] = {name: [] for name in pages}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for _ in range(ROUNDS):
            for name, path in pages.items():
                tab = browser.new_page(viewport={"width": 1360, "height": 900})
                start = time.perf_counter()
                tab.goto(path.as_uri())
                times[name].append(time.perf_counter() - start)
                tab.close()
        browser.close()
    return times


def main() -> None:
    with (
        Benchmark("board", f"A site of {BUNDLES} bundles, {len(DATASETS)} datasets") as bench,
        tempfile.TemporaryDirectory() as folder,
    ):
        root = Path(folder)
        os.environ[DATA_VARIABLE] = str(root / "data")
        make_bundles(root / "results", root / "bundles")
        measure(bench, root / "bundles", root / "site")


def measure(bench: Benchmark, bundles: Path, site: Path) -> None:
    command = [sys.executable, "-m", "fwibench", "board", str(bundles), "-o", str(site)]
    taken = clock(lambda: subprocess.run(command, check=True))
    bench.note("time to make the site", taken.wall, "s")
    bench.note("processor time to make the site", taken.processor, "s")
    files = [path for path in site.rglob("*") if path.is_file()]
    bench.note("files", len(files), "files")
    bench.note("size of the site", sum(path.stat().st_size for path in files) / 1e6, "MB")
    if shutil.which("chromium") is None:
        print("not opened: there is no chromium here")
        return
    for name, times in open_pages(site).items():
        bench.note(f"time to open the {name}, median of {ROUNDS}", statistics.median(times), "s")


if __name__ == "__main__":
    main()
