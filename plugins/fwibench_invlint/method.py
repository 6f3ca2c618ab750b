"""InvLINT: integrate, regress, decode (section 3.2 of the paper)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fwibench.datasets.arrays import Split
from fwibench.methods.torch_method import TorchMethod
from fwibench.problem import Problem
from fwibench_invlint.decoder import TransformerDecoder
from fwibench_invlint.kernels import gaussian_centres, gaussian_kernels, sine_kernels
from fwibench_invlint.ridge import choose_alpha, fit_ridge, r2

Array = NDArray[np.float64]
CHUNK = 64


class IntegralEncoder(nn.Module):
    """Measurements to the property's integrals: Y = A U (equation 1).

    Args:
        problem: Gives shapes and the measurements' scaling.
        kernels: Sine kernels a source.
        embedding: Length of Y.
        scaled: Whether the sum over time is divided by the number of samples.
    """

    receivers: Tensor
    sines: Tensor
    matrix: Tensor
    offset: Tensor
    mean: Tensor

    def __init__(self, problem: Problem, kernels: int, embedding: int, *, scaled: bool) -> None:
        super().__init__()
        sources, nt, receivers = problem.measurement_shape
        self.amplitude = problem.amplitude
        sines = torch.from_numpy(sine_kernels(nt, kernels)).float()
        self.register_buffer("receivers", torch.full((receivers, 1), 1.0 / receivers), persistent=False)
        self.register_buffer("sines", sines / nt if scaled else sines, persistent=False)
        self.register_buffer("matrix", torch.zeros(sources * kernels, embedding))
        self.register_buffer("offset", torch.zeros(embedding))
        self.register_buffer("mean", torch.zeros(embedding))

    def integrate(self, measurements: Tensor) -> Tensor:
        """U: averaged over receivers, integrated over time, sources concatenated; `(n, S N)`."""
        averaged = (self.amplitude.compress(measurements, torch) @ self.receivers).squeeze(-1)
        return (self.amplitude.scale(averaged) @ self.sines).flatten(1)

    def forward(self, measurements: Tensor) -> Tensor:
        """`(n, S, T, R)` to Y `(n, M)`."""
        return self.integrate(measurements) @ self.matrix + self.offset


class InvLINT(TorchMethod):
    """See the package's head for the options."""

    encode_once = True
    encoder: IntegralEncoder

    def build_encoder(self) -> nn.Module:
        """Fixed kernels and the regression's place holders."""
        options = self.options
        shape = self.problem.grid.shape
        self._centres = gaussian_centres(shape, options.embedding)
        self._along_z = gaussian_kernels(shape[0], self._centres[0])
        self._along_x = gaussian_kernels(shape[1], self._centres[1])
        kernels = options.kernels or math.ceil(2048 / len(self.problem.survey.sources))
        self._diagnostics: dict[str, float] = {}
        return IntegralEncoder(self.problem, kernels, math.prod(self._centres), scaled=options.scaling == "integral")

    def build(self) -> nn.Module:
        """The transformer decoder."""
        options = self.options
        return TransformerDecoder(
            math.prod(self._centres),
            self.problem.grid.shape,
            width=options.width,
            heads=options.heads,
            mlp=options.mlp,
            layers=options.layers,
        )

    def fit_encoder(self, train: Split, val: Split) -> None:
        """Solves A by ridge regression in float64 (section 3.3)."""
        ridge = fit_ridge(self._pairs(train), len(train), standardise=self.options.scaling == "standard")
        u_val, y_val = (np.concatenate(parts) for parts in zip(*self._pairs(val), strict=True))
        alpha = choose_alpha(ridge, u_val, y_val) if self.options.alpha == "val" else self.options.alpha
        weights = ridge.weights(alpha)
        encoder = self.encoder
        encoder.matrix.copy_(torch.from_numpy(weights))
        encoder.offset.copy_(torch.from_numpy(ridge.mean_y - ridge.mean_u @ weights))
        encoder.mean.copy_(torch.from_numpy(ridge.mean_y))
        self._diagnostics = {"alpha": float(alpha), "ridge_r2_train": self._r2(train), "ridge_r2_val": self._r2(val)}

    def diagnostics(self, test: Split) -> dict[str, float]:
        """R2 of A U against Y about the training mean: how linear the relation is (table 11)."""
        return {**self._diagnostics, "ridge_r2_test": self._r2(test)}

    def parameters_closed_form(self) -> int:
        """Entries of A and of its offset."""
        return self.encoder.matrix.numel() + self.encoder.offset.numel()

    def parameters_fixed(self) -> int:
        """Entries of the sine kernels and of the receivers' weights."""
        return self.encoder.sines.numel() + self.encoder.receivers.numel()

    def integrate_properties(self, maps: NDArray[np.float32]) -> Array:
        """Y: Gaussian integrals of normalised maps, `(n, 1, Z, X)` to `(n, M)`."""
        normalised = self.problem.property.normalise(maps[:, 0].astype(np.float64))
        return (self._along_z @ normalised @ self._along_x.T).reshape(len(maps), -1)

    def _pairs(self, split: Split) -> Iterator[tuple[Array, Array]]:
        for start in range(0, len(split), CHUNK):
            chunk = slice(start, start + CHUNK)
            measurements = torch.from_numpy(split.measurements[chunk]).to(self.device)
            with torch.no_grad():
                u = self.encoder.integrate(measurements).double().cpu().numpy()
            yield u, self.integrate_properties(split.properties[chunk])

    def _r2(self, split: Split) -> float:
        u, y = (np.concatenate(parts) for parts in zip(*self._pairs(split), strict=True))
        weights, offset = (t.double().cpu().numpy() for t in (self.encoder.matrix, self.encoder.offset))
        return r2(u @ weights + offset, y, self.encoder.mean.double().cpu().numpy())
