"""InvLINT's ridge against scikit-learn's, on 2,000 samples of 2,560 features and 532 targets; and its memory."""

import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
from sklearn.linear_model import Ridge

from fwibench.methods.ridge import fit_ridge
from fwibench.runs.execution.timing import stopwatch

SAMPLES, FEATURES, TARGETS = 2000, 2560, 532
ALPHA = 1.0
CHUNK = 64
ROUNDS = 3
Pair = tuple[np.ndarray, np.ndarray]


def batches(samples: int, features: int, targets: int) -> Iterator[Pair]:
    """Random pairs, made batch by batch so that they themselves take no memory."""
    rng = np.random.default_rng(0)
    for start in range(0, samples, CHUNK):
        rows = min(CHUNK, samples - start)
        yield rng.normal(size=(rows, features)), rng.normal(size=(rows, targets))


def seconds(call: Callable[[], object]) -> float:
    with stopwatch("cpu") as watch:
        call()
    return watch.seconds


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
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds(lambda: fit_ridge(iter(pairs), SAMPLES).weights(ALPHA)))
        theirs.append(seconds(lambda: Ridge(alpha=ALPHA).fit(u, y)))
    expected = Ridge(alpha=ALPHA).fit(u, y).predict(u)
    ridge = fit_ridge(iter(pairs), SAMPLES)
    found = ridge.mean_y + (u - ridge.mean_u) @ ridge.weights(ALPHA)
    error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    ratio = np.median(np.array(ours) / theirs)
    print(f"ours {np.median(ours):.2f} s, scikit-learn {np.median(theirs):.2f} s, ratio {ratio:.2f}; error {error:.1e}")
    print("peak memory: " + ", ".join(f"{n} samples {peak_mb(n):.0f} MB" for n in (1000, 10_000)))


if __name__ == "__main__":
    main()
