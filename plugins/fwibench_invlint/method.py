"""InvLINT: integral transforms, ridge regression and a decoder (section 3.2 of the paper)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fwibench.methods.ridge import choose_alpha, concatenate, fit_ridge
from fwibench.methods.torch_method import TorchMethod
from fwibench.samples import Split
from fwibench.typing import Array32, Array64
from fwibench_invlint.decoder import build_decoder
from fwibench_invlint.encoder import IntegralEncoder
from fwibench_invlint.kernels import encoder_kernels, integrate, property_kernels
from fwibench_invlint.regression import regression_figures

CHUNK = 64
"""Number of samples that are integrated at once."""


class InvLINT(TorchMethod):
    """InvLINT; see `fwibench_invlint.InvLINTOptions`."""

    encode_once = True
    encoder: IntegralEncoder

    def build_encoder(self) -> nn.Module:
        """Return the fixed kernels and a zero regression matrix, which `fit_encoder` solves for."""
        options, problem = self.options, self.problem
        sources, samples, receivers = problem.measurement_shape
        self._psi, self._area = property_kernels(options.property_kernel, options.embedding, problem.grid.shape)
        self._figures: dict[str, float] = {}
        self._singular_values: Array64 | None = None
        kernels, factor = None, 1.0
        if problem.survey.kind == "seismic":
            count = options.kernels or math.ceil(2048 / sources)
            kernels = encoder_kernels(options.encoder_kernel, count, samples, receivers)
            factor = 1.0 / samples if options.scaling == "integral" else 1.0
        return IntegralEncoder(problem, kernels, factor, self.embedding)

    @property
    def embedding(self) -> int:
        """Length of Y (M)."""
        return len(self._psi[0][0])

    def build(self) -> nn.Module:
        """Return the decoder."""
        return build_decoder(self.options, self.embedding, self.problem.grid.shape)

    def fit_encoder(self, train: Split, val: Split) -> None:
        """Solve for A by ridge regression in float64 on the method's device (section 3.3)."""
        ridge = fit_ridge(self._pairs(train), len(train), standardise=self.options.scaling == "standard")
        u_val, y_val = (concatenate(parts) for parts in zip(*self._pairs(val), strict=True))
        alpha = choose_alpha(ridge, u_val, y_val) if self.options.alpha == "val" else self.options.alpha
        weights = ridge.weights(alpha)
        encoder = self.encoder
        encoder.matrix.copy_(torch.as_tensor(weights.T))
        encoder.offset.copy_(torch.as_tensor(ridge.mean_y - ridge.mean_u @ weights))
        encoder.mean.copy_(torch.as_tensor(ridge.mean_y))
        self._singular_values = np.asarray(np.linalg.svd(_on_host(weights), compute_uv=False), np.float64)
        self._figures = {"alpha": float(alpha), **self._regression(train), **self._regression(val)}

    def figures(self) -> dict[str, float]:
        """Return the penalty, and R2 and the quantities of table 11 on train and val."""
        return dict(self._figures)

    def diagnostics(self, test: Split) -> dict[str, float]:
        """Return R2 and the quantities of table 11 on test."""
        return self._regression(test)

    def parameters_closed_form(self) -> int:
        """Return the number of entries of A and of its offset."""
        return self.encoder.matrix.numel() + self.encoder.offset.numel()

    def parameters_fixed(self) -> int:
        """Return the number of entries of the encoder's kernels."""
        return sum(kernel.numel() for integral in self.encoder.integrals for kernel in integral.buffers())

    def spectra(self) -> dict[str, Array64]:
        """Return the singular values of A (figure 5) after a fit."""
        values = self._singular_values
        # with one train sample A is 0
        return {} if values is None or not values.any() else {"singular values of A": values}

    def integrate_properties(self, maps: Array32) -> Array64:
        """Return Y, the integrals `(n, M)` of maps `(n, 1, Z, X)` after normalisation."""
        return integrate(self._psi, self.problem.property.normalise(maps[:, 0].astype(np.float64)))

    def _pairs(self, split: Split) -> Iterator[tuple[Any, Any]]:
        """Batches of U `(rows, S N)` and Y `(rows, M)`: arrays on a CPU, whose BLAS numpy uses, tensors on a GPU."""
        for start in range(0, len(split), CHUNK):
            chunk = slice(start, start + CHUNK)
            measurements = torch.from_numpy(split.measurements[chunk]).to(self.device)
            with torch.no_grad():
                u = self.encoder.integrate(measurements).double()
            y = self.integrate_properties(split.properties[chunk])
            yield (u.numpy(), y) if self.device.type == "cpu" else (u, torch.from_numpy(y).to(self.device))

    def _regression(self, split: Split) -> dict[str, float]:
        matrix, offset = self.encoder.matrix.double(), self.encoder.offset.double()
        weights, shift = (matrix.numpy(), offset.numpy()) if self.device.type == "cpu" else (matrix, offset)
        pairs = ((_on_host(u @ weights.T + shift), _on_host(y)) for u, y in self._pairs(split))
        figures = regression_figures(pairs, _on_host(self.encoder.mean.double()), self._area)
        return {f"{name}_{split.name}": value for name, value in figures.items()}


def _on_host(values: Array64 | Tensor) -> Array64:
    return values.cpu().numpy() if isinstance(values, Tensor) else values
