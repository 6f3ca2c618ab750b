"""InvLINT's ridge against scikit-learn's, on 2,000 samples of 2,560 features and 532 targets; its memory and growth."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
from measuring import Benchmark, relative
from sklearn.linear_model import Ridge

from fwibench.methods.ridge import fit_ridge

SAMPLES, FEATURES, TARGETS = 2000, 2560, 532
ALPHA = 1.0
CHUNK = 64
SIZES = (1000, 2000, 4000, 8000)
CLOSE = 1e-8
Pair = tuple[np.ndarray, np.ndarray]


def batches(samples: int, features: int, targets: int) -> Iterator[Pair]:
    """Random pairs, made batch by batch so that they themselves take no memory."""
    rng = np.random.default_rng(0)
    for start in range(0, samples, CHUNK):
        rows = min(CHUNK, samples - start)
        yield rng.normal(size=(rows, features)), rng.normal(size=(rows, targets))


def peak_mb(samples: int) -> float:
    """Largest traced allocation of a fit in the primal, where samples exceed features."""
    tracemalloc.start()
    fit_ridge(batches(samples, 500, 100), samples)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def main() -> None:
    pairs = list(batches(SAMPLES, FEATURES, TARGETS))
    u, y = (np.concatenate(parts) for parts in zip(*pairs, strict=True))

    def ours() -> np.ndarray:
        ridge = fit_ridge(iter(pairs), SAMPLES)
        return ridge.mean_y + (u - ridge.mean_u) @ ridge.weights(ALPHA)

    with Benchmark("ridge", "Ridge regression and its predictions") as bench:
        ways = {"ours": ours, "scikit-learn": lambda: Ridge(alpha=ALPHA).fit(u, y).predict(u)}
        case = f"{SAMPLES} samples, {FEATURES} features, {TARGETS} targets"
        bench.compare(case, ways, rounds=3, difference=relative, at_most=CLOSE)
        for samples in (SIZES[0], 10 * SIZES[0]):
            bench.note(f"peak of memory, {samples} samples of 500 features", peak_mb(samples), "MB")
        made = {samples: list(batches(samples, 500, 100)) for samples in SIZES}
        bench.grow("500 features", "samples", SIZES, lambda count: lambda: fit_ridge(iter(made[count]), count))


if __name__ == "__main__":
    main()
