"""`fwibench report` of 4 datasets x 7 methods: size of the page, time to make it, time to open it in headless Chromium.

The records are made up; grids, surveys and bounds are those of the four datasets. Every map has noise on every node,
which compresses worse than any real one. Each record has a history of 200 epochs and 20 test samples. Opening is timed
from the request to the load event, in a new tab, and again until the first sample of the viewer is drawn; without a
browser it is left out.
"""

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from measuring import Benchmark

from fwibench.plugins.registry import Registry, load_registry
from fwibench.report.page.page import PageOptions, write_page
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import Predictions, write_predictions
from fwibench.runs.artefacts.record import Complexity, Costs, Record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import Scores, write_scores
from fwibench.runs.opening.datasets import open_dataset
from fwibench.testing import in_memory

DATASETS = ("salt", "marmousi", "kimberlina-leakage", "kimberlina-reservoir")
METHODS = ("mean-map", "nearest-neighbour", "pixel-ridge", "invlint", "inversionnet", "velocitygan", "multiscale-fwi")
SAMPLES, EPOCHS, ROUNDS = 20, 200, 5
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Made(Sources):
    """Sources whose datasets are in memory."""

    def dataset(self, cell: Cell) -> Any:
        """By fingerprint."""
        return self.made[cell.fingerprint]


def make_dataset(registry: Registry, name: str, generator: np.random.Generator) -> SimpleNamespace:
    """A dataset with the problem of a real one."""
    opened = open_dataset(registry, name, "quick")
    problem, scheme = opened.problem, opened.spec.schemes[0]
    bounds = problem.property
    depth = np.linspace(0.1, 0.9, problem.grid.nz)[:, None]
    maps = depth + generator.normal(0, 0.02, (SAMPLES, 1, *problem.grid.shape))
    maps = (bounds.low + (bounds.high - bounds.low) * maps).astype(np.float32)
    measurements = generator.normal(size=(SAMPLES, *problem.measurement_shape)).astype(np.float32)
    test = in_memory(name, measurements, maps)
    return SimpleNamespace(fingerprint=name, scheme=scheme, problem=problem, split=lambda scheme, part: test)


def lay_out(root: Path, datasets: list) -> None:
    """Writes the records, scores and predictions."""
    generator = np.random.default_rng(0)
    os.fsync = lambda _: None  # the disk is not what is measured
    history = [{"epoch": float(n), "train_loss": 1 / n, "val_loss": 1.2 / n} for n in range(1, EPOCHS + 1)]
    for dataset in datasets:
        test, bounds = dataset.split("", "test"), dataset.problem.property
        truth = test.properties[:]
        for number, method in enumerate(METHODS, 1):
            size = 0.01 * number * (bounds.high - bounds.low)
            maps = truth + generator.normal(0, size, truth.shape).astype(np.float32)
            errors = np.abs(maps - truth).mean((1, 2, 3), dtype=np.float64)
            values = {
                "mae": errors,
                "mse": errors**2,
                "rmse": errors,
                "ssim": 1 / (1 + errors),
                "ssim-wang": 1 / (1 + errors),
            }
            scores = Scores(test.ids, values)
            cell = Cell(
                method=method,
                method_version="1",
                options={},
                dataset=dataset.fingerprint,
                dataset_options={},
                fingerprint=dataset.fingerprint,
                split=dataset.scheme,
                seed=0,
                profile="quick",
            )
            record = Record(
                cell=cell,
                status="ok",
                source="synthetic",
                unit=bounds.unit,
                n_test=SAMPLES,
                scores=scores.pooled(),
                complexity=Complexity(parameters=10**number, flops=10 ** (number + 1), flops_kind="counted"),
                costs=Costs(fit_s=float(number), predict_ms_cpu1=1.0 / number),
                history=history,
                environment={"packages": {"fwibench": "0"}},
                started="2026-01-01T00:00:00Z",
            )
            folder = Results(root).folder(cell)
            write_scores(scores, folder)
            write_predictions(Predictions(test.ids, maps), folder)
            write_record(record, RunFiles(folder).record)


def open_page(path: Path) -> dict[str, list[float]]:
    """Seconds until the page is loaded, and until the viewer has drawn a sample; a new context each time."""
    from playwright.sync_api import sync_playwright

    times: dict[str, list[float]] = {"load": [], "viewer": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for _ in range(ROUNDS):
            tab = browser.new_page(viewport={"width": 1360, "height": 900})
            start = time.perf_counter()
            tab.goto(path.as_uri())
            times["load"].append(time.perf_counter() - start)
            start = time.perf_counter()
            tab.locator("#samples").scroll_into_view_if_needed()
            tab.locator("#stage .method").first.wait_for()
            tab.evaluate("Promise.all([...document.querySelectorAll('#stage img')].map(one => one.decode()))")
            times["viewer"].append(time.perf_counter() - start)
            tab.close()
        browser.close()
    return times


def main() -> None:
    with Benchmark("report", f"A page of {len(DATASETS)} datasets x {len(METHODS)} methods") as bench:
        measure(bench)


def measure(bench: Benchmark) -> None:
    registry = load_registry()
    generator = np.random.default_rng(1)
    datasets = [make_dataset(registry, name, generator) for name in DATASETS]
    with tempfile.TemporaryDirectory() as folder:
        root, path = Path(folder) / "results", Path(folder) / "report.html"
        lay_out(root, datasets)
        results = Results(root)
        start = time.perf_counter()
        sources = Made(results, results.records()[0], registry)
        sources.made = {dataset.fingerprint: dataset for dataset in datasets}
        size = write_page(sources, path, PageOptions(published=True))
        taken = time.perf_counter() - start
        bench.note(f"time to make the page, {len(sources.faults)} parts left out", taken, "s")
        bench.note("size of the page", size / 1e6, "MB")
        if shutil.which("chromium") is None:
            print("not opened: there is no chromium here")
            return
        times = open_page(path)
    bench.note(f"time to open the page, median of {ROUNDS}", statistics.median(times["load"]), "s")
    bench.note("time to a sample in the viewer after that", statistics.median(times["viewer"]), "s")


if __name__ == "__main__":
    main()
