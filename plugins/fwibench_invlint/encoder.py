"""The encoder of section 3.2: integrals U of measurements, and Y as a linear function of U."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fwibench.problem import Problem
from fwibench.typing import Array64
from fwibench_invlint.kernels import averages


class DoubleIntegral(nn.Module):
    """Double sums with kernels that are products of one function per axis.

    An axis whose function is the same for every kernel is summed first, which takes one product per trace instead of
    one per kernel.

    Args:
        first: Functions of time `(N, T)`.
        second: Functions of the receiver `(N, R)`.
        saved: Whether the functions are saved with the method, as random ones must be.
    """

    first: Tensor
    second: Tensor

    def __init__(self, first: Array64, second: Array64, *, saved: bool = False) -> None:
        super().__init__()
        self.entries = len(first)
        self.saved = saved
        self.sums_second = bool((second == second[0]).all())
        self.sums_first = not self.sums_second and bool((first == first[0]).all())
        first, second = first[:1] if self.sums_first else first, second[:1] if self.sums_second else second
        self.register_buffer("first", torch.from_numpy(first).float().T.contiguous(), persistent=saved)
        self.register_buffer("second", torch.from_numpy(second).float().T.contiguous(), persistent=saved)

    def forward(self, values: Tensor) -> Tensor:
        """Return the integrals `(n, S, N)` of measurements `(n, S, T, R)`."""
        if self.sums_second:
            return (values @ self.second).squeeze(-1) @ self.first
        over_time = values.transpose(2, 3) @ self.first
        if self.sums_first:
            return over_time.squeeze(-1) @ self.second
        return (over_time * self.second).sum(2)


class BlockAverages(nn.Module):
    """Averages over blocks of time samples and receivers.

    Args:
        shape: Number of time samples and receivers of a measurement.
        block: Number of time samples and receivers of a block.
    """

    first: Tensor
    second: Tensor
    saved = False

    def __init__(self, shape: tuple[int, int], block: tuple[int, int]) -> None:
        super().__init__()
        first, second = (averages(*axis) for axis in zip(shape, block, strict=True))
        self.entries = len(first) * len(second)
        self.register_buffer("first", torch.from_numpy(first).float(), persistent=False)
        self.register_buffer("second", torch.from_numpy(second).float().T.contiguous(), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """Return the averages `(n, S, blocks)` of measurements `(n, S, T, R)`."""
        return (self.first @ (values @ self.second)).flatten(2)


class IntegralEncoder(nn.Module):
    """Y = A U (equation 1).

    Args:
        problem: Problem with the shape and the scaling of measurements.
        integrals: Modules whose sum of results is U before its factor; none: U is the measurement itself, as in the
            paper for EM data.
        factor: Factor of U; 1 / T makes the sum over time an integral over [0, 1].
        embedding: Length of Y (M).
        standardised: Whether Y is returned less its mean and over `spread`, which a fit sets.
    """

    whole: Tensor
    matrix: Tensor
    offset: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        problem: Problem,
        integrals: Sequence[DoubleIntegral | BlockAverages],
        factor: float,
        embedding: int,
        *,
        standardised: bool = False,
    ) -> None:
        super().__init__()
        sources, samples, receivers = problem.measurement_shape
        self.amplitude = problem.amplitude
        self.factor = factor
        self.integrals = nn.ModuleList(integrals)
        self.entries = sources * (integrals[0].entries if integrals else samples * receivers)
        whole = sum((integral(torch.ones(1, 1, samples, receivers)) for integral in integrals), torch.zeros(1))
        self.register_buffer("whole", whole, persistent=any(integral.saved for integral in integrals))
        self.register_buffer("matrix", torch.zeros(embedding, self.entries))
        self.register_buffer("offset", torch.zeros(embedding))
        self.register_buffer("mean", torch.zeros(embedding))
        self.standardised = standardised
        if standardised:
            self.register_buffer("spread", torch.ones(()))

    def integrate(self, measurements: Tensor) -> Tensor:
        """Return U of measurements `(n, S, T, R)` after normalisation, with sources concatenated, `(n, S N)`.

        The linear part of the normalisation is applied to the integrals, which are fewer than the amplitudes.
        """
        compressed = self.amplitude.compress(measurements, torch)
        shift = self.amplitude.scale(0.0)
        slope = self.amplitude.scale(1.0) - shift
        if not self.integrals:
            return self.factor * self.amplitude.scale(compressed).flatten(1)
        parts = [integral(compressed) for integral in self.integrals]
        total = sum(parts[1:], parts[0])
        return (self.factor * (slope * total + shift * self.whole)).flatten(1)

    def forward(self, measurements: Tensor) -> Tensor:
        """Return Y `(n, M)`, standardised or not, for measurements `(n, S, T, R)`."""
        return self.relate(self.integrate(measurements))

    def relate(self, u: Tensor) -> Tensor:
        """Return Y `(n, M)`, standardised or not, for U `(n, S N)`."""
        y = nn.functional.linear(u, self.matrix, self.offset)
        return (y - self.mean) / self.spread if self.standardised else y
