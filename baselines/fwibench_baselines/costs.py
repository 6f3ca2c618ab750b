"""Cost models of the baselines in closed form.

Listing methods does not import this module, but planning does, so it imports nothing heavy.
"""

from __future__ import annotations

import math

import numpy as np

from fwibench.methods.costs import Case, CostModel, Probing, Work, clock

ALPHAS = 8
"""Number of penalties that pixel-ridge compares on val."""
FLOPS_PER_AMPLITUDE = 200.0
"""Time to average an amplitude, in floating-point operations of a matrix product: measured 3 to 10 ns, against 20 to
60 GFLOP/s."""
FLOPS_PER_FEATURE = 30.0
"""Time to compare a feature, in floating-point operations of a matrix product: it passes memory three times."""
COMPARED = 256
"""Number of train samples whose comparison with a test sample is timed."""
SIDE = 512
"""Side of the matrices whose product is timed."""
READ = 16
"""Number of samples whose features are timed."""
LENGTHS, KERNEL_ALPHAS, COMPARED_NODES = 10, 9, 4096
"""Numbers of lengths, penalties and nodes that kernel-ridge compares on val."""
EIGENVALUES = 40.0
"""Time of eigenvalues and vectors over that of n**3 operations of a product: 9 of them, at a quarter of the rate."""


class NeighbourCosts(CostModel):
    """Times of nearest-neighbour: averages of all amplitudes, then comparisons of test with train samples."""

    def work(self, case: Case) -> Work:
        """Return the operations of fit and prediction; see `FLOPS_PER_AMPLITUDE` and `FLOPS_PER_FEATURE`."""
        read, sizes = FLOPS_PER_AMPLITUDE * math.prod(case.problem.measurement_shape), case.sizes
        compared = FLOPS_PER_FEATURE * sizes.train * _features(case)
        return Work(read * sizes.train, sizes.test * (read + compared))

    def memory(self, case: Case) -> float:
        """Return the size of the features and maps of train [bytes]."""
        return 4.0 * case.sizes.train * (_features(case) + math.prod(case.problem.property_shape))

    def probe(self, probing: Probing) -> Work:
        """Return the times of the case [s] from the averages of a few samples, and from comparisons."""
        case, sizes = probing.case, probing.case.sizes
        read = _time_to_read(probing)
        known = np.ones((COMPARED, _features(case)), np.float32)
        compared = min(clock(lambda: np.square(known - known[0]).sum(1).argmin()) for _ in range(3)) / COMPARED
        return Work(read * sizes.train, sizes.test * (read + compared * sizes.train))


class RidgeCosts(CostModel):
    """Times of pixel-ridge: averages of all amplitudes, then products and factors of matrices in float64."""

    def used(self, case: Case) -> int:
        """Return the number of train samples of a fit."""
        return case.sizes.train

    def flops(self, case: Case) -> tuple[float, float]:
        """Return the floating-point operations on matrices of a fit, and those of the predictions."""
        return _flops(case)

    def work(self, case: Case) -> Work:
        """Return the floating-point operations of fit and prediction; averages count `FLOPS_PER_AMPLITUDE` each."""
        read = FLOPS_PER_AMPLITUDE * math.prod(case.problem.measurement_shape)
        return self._whole(case, read, 1.0)

    def memory(self, case: Case) -> float:
        """Return the size of the features and maps of train in float64, and of a copy of the maps [bytes]."""
        return 8.0 * case.sizes.train * (_features(case) + 2 * math.prod(case.problem.property_shape))

    def probe(self, probing: Probing) -> Work:
        """Return the times of the case [s] from the averages of a few samples and a product of matrices."""
        read = _time_to_read(probing)
        square = np.ones((SIDE, SIDE))
        product = min(clock(lambda: square @ square) for _ in range(5)) / (2 * SIDE**3)
        return self._whole(probing.case, read, product)

    def _whole(self, case: Case, read: float, product: float) -> Work:
        """Return the work of a case from that of averaging a sample and that of an operation on matrices."""
        solved, predicted = self.flops(case)
        sizes = case.sizes
        return Work(read * (self.used(case) + sizes.val) + product * solved, read * sizes.test + product * predicted)


class KernelCosts(RidgeCosts):
    """Times of kernel-ridge: averages of all amplitudes, then eigenvalues and products of matrices in float64."""

    def used(self, case: Case) -> int:
        """See `RidgeCosts.used`."""
        return min(case.sizes.train, case.options.largest)

    def flops(self, case: Case) -> tuple[float, float]:
        """See `RidgeCosts.flops`."""
        options, val = case.options, case.sizes.val
        n, features, nodes = self.used(case), _features(case), math.prod(case.problem.property_shape)
        lengths = LENGTHS if options.length == "val" else 1
        alphas = KERNEL_ALPHAS if options.alpha == "val" else 1
        distances = 2.0 * n * features * (n + val)
        each = EIGENVALUES * n**3 + 2.0 * n * min(nodes, COMPARED_NODES) * (n + alphas * val)
        weights = EIGENVALUES * n**3 + 4.0 * n**2 * nodes
        return distances + lengths * each + weights, 2.0 * case.sizes.test * n * (features + nodes)

    def memory(self, case: Case) -> float:
        """Return the size of the features, the maps and the weights of train, and of its matrices [bytes]."""
        used, nodes = self.used(case), math.prod(case.problem.property_shape)
        return 8.0 * used * (_features(case) + 2 * nodes + 4 * used)


def _time_to_read(probing: Probing) -> float:
    """Return the time to average the amplitudes of a sample [s]."""
    from fwibench_baselines.features import block_averages

    case = probing.case
    samples = probing.split(READ).measurements[:]
    return min(clock(lambda: block_averages(samples, case.problem, case.options.features)) for _ in range(2)) / READ


def _features(case: Case) -> int:
    return min(case.options.features, math.prod(case.problem.measurement_shape))


def _flops(case: Case) -> tuple[float, float]:
    """Return the floating-point operations on matrices of a fit, and those of the predictions."""
    n, features, nodes = case.sizes.train, _features(case), math.prod(case.problem.property_shape)
    side = min(n, features)
    gram = 2.0 * n * features * side
    solved = side**3 / 3 + 2.0 * side**2 * nodes
    # the weights of the features: of the dual solution, or with the right-hand side of the primal one
    weights = 2.0 * n * features * nodes
    checked = 2.0 * case.sizes.val * features * nodes
    penalties = ALPHAS if case.options.alpha == "val" else 1
    return penalties * (gram + solved + weights + checked), 2.0 * case.sizes.test * features * nodes
