"""How much methods lose on measurements of another simulator than that which made their training data.

Methods are fitted on a seismic twin, with and without `simulator_noise`, and tested on the same maps simulated in
four ways: as the twin is, with 20 absorbing cells, at order 8, and by OpenFWI's published scheme, which takes about 5 s
a map. `--maps FILE.npy` takes maps of a user's own, such as published ones, instead of the twin's test maps.

Nothing needs to be prepared: samples are simulated when the script starts, the first ones of the twin for training.

    python benchmarks/bench_simulator_shift.py --train 800 --val 100 --test 40
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from openfwi_scheme import simulate as simulate_openfwi

from fwibench.datasets.base import Dataset
from fwibench.methods.base import Method
from fwibench.methods.context import RunContext
from fwibench.physics.parallel import simulate_each
from fwibench.plugins.registry import Registry, load_registry
from fwibench.runs.opening.datasets import open_dataset
from fwibench.samples import ShardedArray, Split
from fwibench.specs.options import validate_options


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="flatvel-a", help="one of OpenFWI's families")
    parser.add_argument("--methods", nargs="*", default=("invlint", "pixel-ridge"))
    parser.add_argument(
        "--set", nargs="*", default=(), metavar="METHOD.OPTION=VALUE", help="options beside profile quick's"
    )
    parser.add_argument("--train", type=int, default=800, help="training samples")
    parser.add_argument("--val", type=int, default=100, help="validation samples")
    parser.add_argument("--test", type=int, default=40, help="test maps")
    parser.add_argument("--noise", type=float, nargs="*", default=(0.0, 0.001, 0.003, 0.01), help="simulator_noise")
    parser.add_argument("--maps", type=Path, help="published maps (n, 1, 70, 70) to test on")
    given = parser.parse_args()
    registry = load_registry()
    twin = open_dataset(registry, given.dataset, "paper")
    learnt, known = given.train + given.val, given.train + given.val + given.test
    maps = np.load(given.maps)[: given.test] if given.maps else np.stack(list(twin.maps(range(learnt, known))))
    records = {name: simulate(list(maps.astype(np.float32))) for name, simulate in simulators(twin).items()}
    own = records["the twin's own"]
    source = given.maps.name if given.maps else "the twin"
    print(f"{given.dataset}, {given.train} training and {given.val} validation samples, {len(maps)} maps of {source}")
    for name, record in records.items():
        print(f"relative L2 to the twin's own, {name}: {np.linalg.norm(record - own) / np.linalg.norm(own):.2e}")
    print("| method | simulator_noise |", " | ".join(records), "|")
    print("|---|---|" + "---|" * len(records), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measurements, properties = zip(*twin.samples(range(learnt)), strict=True)
        np.save(folder / "data.npy", np.stack(measurements))
        np.save(folder / "model.npy", np.stack(properties))
        for method in given.methods:
            chosen = dict(one.split(".", 1)[1].split("=", 1) for one in given.set if one.split(".", 1)[0] == method)
            for noise in given.noise:
                noisy = open_dataset(registry, given.dataset, "paper", {"simulator_noise": str(noise)})
                train, val = (
                    open_split(noisy, folder, part, range(*numbers), learnt)
                    for part, numbers in (("train", (0, given.train)), ("val", (given.train, learnt)))
                )
                fitted = fit(registry, method, chosen, noisy, train, val)
                errors = [float(np.abs(fitted.predict(record) - maps).mean()) for record in records.values()]
                print(f"| {method} | {noise:g} |", " | ".join(f"{error:.0f}" for error in errors), "|", flush=True)


def simulators(twin: Dataset) -> dict[str, Callable[[list[np.ndarray]], np.ndarray]]:
    """Ways to simulate maps, by name; each takes a list of `(1, Z, X)` and gives `(n, S, T, R)`."""
    problem = twin.problem

    def with_physics(**changed: object) -> Callable[[list[np.ndarray]], np.ndarray]:
        physics = problem.physics.model_copy(update=changed)
        return lambda maps: np.stack(list(simulate_each(maps, problem.model_copy(update={"physics": physics}))))

    return {
        "the twin's own": with_physics(),
        "20 absorbing cells": with_physics(pml_width=20),
        "order 8": with_physics(accuracy=8),
        "OpenFWI's scheme": lambda maps: np.stack([simulate_openfwi(one[0]) for one in maps]),
    }


def open_split(dataset: Dataset, folder: Path, name: str, numbers: range, count: int) -> Split:
    """Samples of `folder`, which holds `count`, as the dataset gives those of the split `name`: with its noise."""
    chosen, problem = np.array(numbers), dataset.problem
    return Split(
        name=name,
        ids=tuple(map(str, numbers)),
        measurements=ShardedArray(
            (folder / "data.npy",), (count,), problem.measurement_shape, chosen, dataset._noise(name)
        ),
        properties=ShardedArray((folder / "model.npy",), (count,), problem.property_shape, chosen),
    )


def fit(registry: Registry, name: str, chosen: dict[str, str], dataset: Dataset, train: Split, val: Split) -> Method:
    """A method with the options of profile quick, but for the `chosen` ones."""
    spec = registry.method(name).spec
    options = validate_options(name, spec.options, spec.profiles.get("quick", {}), chosen)
    with tempfile.TemporaryDirectory() as folder:
        context = RunContext(workdir=Path(folder), dataset=dataset.spec.name, method=name)
        method: Method = spec.load()(dataset.problem, options, context)
        method.fit(train, val)
    return method


if __name__ == "__main__":
    main()
