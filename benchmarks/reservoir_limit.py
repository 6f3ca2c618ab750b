"""How exactly the data of kimberlina-reservoir tell a section, to first order about its true map.

Prints the mean absolute error that gauss-newton's prior leaves to expect, for data errors of some sizes: the mean over
nodes of the posterior standard deviation times sqrt(2 / pi), within the sums of the components; and the error of the
nearest sum, which no data reduce. The simulation is taken as exact.

    python benchmarks/reservoir_limit.py [--rows 0,5] [--components 300] [--tapers 6]
"""

import argparse

import numpy as np
from fwibench_gauss_newton.components import learn_components
from threadpoolctl import threadpool_limits

from fwibench import load_dataset
from fwibench.physics.electromagnetic import Linearisation

NOISE = (1e-2, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6)
"""Standard deviations of the data error, over the largest amplitude of a row."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="0,5", help="val samples")
    parser.add_argument("--components", type=int, default=300)
    parser.add_argument("--tapers", type=int, default=6)
    arguments = parser.parse_args()
    data = load_dataset("kimberlina-reservoir")
    components = learn_components(data.train.properties[:], arguments.tapers, 0.2, arguments.components)
    flat = components.maps.reshape(len(components.maps), -1)
    linear = Linearisation(components.maps, data.problem)
    for row in map(int, arguments.rows.split(",")):
        truth, recorded = data.val.properties[row], data.val.measurements[row]
        nearest = components.map_of(components.coefficients(truth[None])[0])
        print(f"val sample {row}: {np.abs(nearest - truth).mean():.5f} S/m lie outside of the components")
        with threadpool_limits(1, "blas"):
            _, derivatives = linear.at(truth, np.ones_like(truth))
        scaled = (derivatives / np.abs(recorded).max(axis=(0, 2))[:, None, None]).reshape(-1, len(flat))
        _, strengths, directions = np.linalg.svd(scaled.astype(np.float64), full_matrices=False)
        maps = np.square(directions.astype(np.float32) @ flat)
        for noise in NOISE:
            left = 1 / (1 + (strengths / noise) ** 2)
            expected = np.sqrt(2 / np.pi) * np.sqrt(left.astype(np.float32) @ maps).mean()
            known = len(flat) - left.sum()
            print(
                f"  data error {noise:.0e}: {expected:.5f} S/m to expect within them, {known:.0f} of {len(flat)} known"
            )


if __name__ == "__main__":
    main()
