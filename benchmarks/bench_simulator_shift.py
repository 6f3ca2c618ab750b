"""How much methods lose on measurements of another simulator than that which made their training data.

Methods are fitted on a seismic twin, with and without `simulator_noise`, and tested on the same maps simulated in
four ways: as the twin is, with 20 absorbing cells, at order 8, and by OpenFWI's published scheme, which takes about 5 s
a map. `--maps FILE.npy` takes maps of a user's own, such as published ones, instead of the twin's test maps.

    python benchmarks/bench_simulator_shift.py --train 800 --test 40
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from openfwi_scheme import simulate as simulate_openfwi

from fwibench.datasets.dataset import Dataset
from fwibench.methods.context import RunContext
from fwibench.physics.parallel import simulate_each
from fwibench.plugins.registry import Registry, load_registry
from fwibench.runs.plan import open_dataset
from fwibench.runs.selection import validate_options

METHODS = ("invlint", "pixel-ridge")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="flatvel-a", help="one of OpenFWI's families")
    parser.add_argument("--train", type=int, default=800, help="training samples, of the 800 of profile quick")
    parser.add_argument("--test", type=int, default=40, help="test maps")
    parser.add_argument("--noise", type=float, nargs="*", default=(0.0, 0.001, 0.003, 0.01), help="simulator_noise")
    parser.add_argument("--maps", type=Path, help="published maps (n, 1, 70, 70) to test on")
    arguments = parser.parse_args()
    registry = load_registry()
    dataset = open_dataset(registry, arguments.dataset, "quick")
    dataset.prepare()
    test = dataset.split("random", "test").spread(arguments.test)
    maps = test.properties[:] if arguments.maps is None else np.load(arguments.maps)[: arguments.test]
    records = {name: simulate(list(maps.astype(np.float32))) for name, simulate in simulators(dataset).items()}
    own = records["the twin's own"]
    print(
        f"{arguments.dataset}, {arguments.train} training samples, {len(maps)} test maps of {arguments.maps or 'test'}"
    )
    for name, record in records.items():
        print(f"relative L2 to the twin's own, {name}: {np.linalg.norm(record - own) / np.linalg.norm(own):.2e}")
    print("| method | simulator_noise |", " | ".join(records), "|")
    print("|---|---|" + "---|" * len(records))
    for method in METHODS:
        for noise in arguments.noise:
            errors = score(registry, dataset, method, noise, arguments.train, maps, records)
            print(f"| {method} | {noise:g} |", " | ".join(f"{error:.0f}" for error in errors), "|", flush=True)


def simulators(dataset: Dataset) -> dict[str, Callable[[list[np.ndarray]], np.ndarray]]:
    """Ways to simulate maps, by name; each takes a list of `(1, Z, X)` and gives `(n, S, T, R)`."""
    problem = dataset.problem

    def with_physics(**changed: object) -> Callable[[list[np.ndarray]], np.ndarray]:
        physics = problem.physics.model_copy(update=changed)
        return lambda maps: np.stack(list(simulate_each(maps, problem.model_copy(update={"physics": physics}))))

    return {
        "the twin's own": with_physics(),
        "20 absorbing cells": with_physics(pml_width=20),
        "order 8": with_physics(accuracy=8),
        "OpenFWI's scheme": lambda maps: np.stack([simulate_openfwi(one[0]) for one in maps]),
    }


def score(
    registry: Registry,
    dataset: Dataset,
    method: str,
    noise: float,
    n_train: int,
    maps: np.ndarray,
    records: dict[str, np.ndarray],
) -> list[float]:
    """Mean absolute error on each of `records` of a method fitted with noise."""
    noisy = open_dataset(registry, dataset.spec.name, "quick", {"simulator_noise": str(noise)})
    train, val = (noisy.split("random", name) for name in ("train", "val"))
    spec = registry.method(method).spec
    options = validate_options(method, spec.options, spec.profiles.get("quick", {}), {})
    with tempfile.TemporaryDirectory() as folder:
        context = RunContext(workdir=Path(folder), dataset=dataset.spec.name, method=method)
        fitted = spec.load()(dataset.problem, options, context)
        fitted.fit(train.spread(n_train), val)
        return [float(np.abs(fitted.predict(record) - maps).mean()) for record in records.values()]


if __name__ == "__main__":
    main()
