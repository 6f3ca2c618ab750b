"""InvLINT: integral transforms, ridge regression and a decoder (section 3.2 of the paper)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fwibench.errors import UnsuitableError
from fwibench.methods.blocks import block_sizes
from fwibench.methods.penalty import penalty_notes
from fwibench.methods.ridge import ALPHAS, choose_alpha, concatenate, fit_ridge
from fwibench.methods.torch_method import TorchMethod
from fwibench.samples import Split
from fwibench.typing import Array32, Array64
from fwibench_invlint.decoder import build_decoder
from fwibench_invlint.encoder import BlockAverages, DoubleIntegral, IntegralEncoder
from fwibench_invlint.kernels import PropertyKernels, encoder_kernels, integrate, property_kernels
from fwibench_invlint.layouts import layout
from fwibench_invlint.pairs import Pairs
from fwibench_invlint.regression import regression_figures

CHUNK = 64
"""Number of samples that are integrated at once."""
ESSENTIAL = 0.01
"""Smallest singular value of A that counts as essential, over the largest. The paper counts on figure 5, which is
normalised in this way, and states no threshold; below a hundredth such a curve cannot be distinguished from zero."""


class InvLINT(TorchMethod):
    """InvLINT; see `fwibench_invlint.InvLINTOptions`."""

    encode_once = True
    encoder: IntegralEncoder

    def build_encoder(self) -> nn.Module:
        """Return the fixed kernels and a zero regression matrix, which `fit_encoder` solves for.

        Raises:
            UnsuitableError: The options do not suit the problem.
        """
        if reason := self.options.refusal(self.problem):
            raise UnsuitableError(f"{self.context.method or 'invlint'}: {reason}")
        self._layout = layout(self.problem.grid.shape, self.options)
        self._figures: dict[str, float] = {}
        self._pairs: dict[str, Pairs] = {}
        self._singular_values: Array64 | None = None
        integrals = self._integrals()
        summed = bool(integrals) and self.options.scaling == "integral"
        factor = 1.0 / self.problem.measurement_shape[1] if summed else 1.0
        embedding, standardised = self._layout.embedding, self._layout.standardised
        return IntegralEncoder(self.problem, integrals, factor, embedding, standardised=standardised)

    def _integrals(self) -> list[DoubleIntegral] | list[BlockAverages]:
        """Return the modules that compute U; none if U is the measurement itself."""
        options, (sources, samples, receivers) = self.options, self.problem.measurement_shape
        if self.problem.survey.kind == "em":
            return []
        count = options.kernels_per_source(sources)
        if options.encoder_kernel == "raw":
            block = block_sizes((1, samples, receivers), count)
            return [] if block == (1, 1) else [BlockAverages((samples, receivers), block)]
        kernels = encoder_kernels(options.encoder_kernel, count, samples, receivers, self.context.seed("init"))
        return [DoubleIntegral(*product, saved=options.encoder_kernel == "random-t") for product in kernels]

    @cached_property
    def _property_kernels(self) -> tuple[PropertyKernels, float]:
        # only a fit needs them, and whole kernels take up to a second and 100 MB
        return property_kernels(self.options.property_kernel, self._layout.centres, self.problem.grid.shape)

    def build(self) -> nn.Module:
        """Return the decoder."""
        return build_decoder(self.options, self._layout, self.problem.grid.shape)

    def fit_encoder(self, train: Split, val: Split) -> None:
        """Solve for A by ridge regression in float64 on the method's device (section 3.3)."""
        pairs = {split.name: self._pairs_of(split) for split in (train, val)}
        ridge = fit_ridge(pairs[train.name], len(train), standardise=self.options.scaling == "standard")
        u_val, y_val = (concatenate(parts) for parts in zip(*pairs[val.name], strict=True))
        alpha = choose_alpha(ridge, u_val, y_val, ALPHAS) if self.options.alpha == "val" else self.options.alpha
        weights = ridge.weights(alpha)
        encoder = self.encoder
        encoder.matrix.copy_(torch.as_tensor(weights.T))
        encoder.offset.copy_(torch.as_tensor(ridge.mean_y - ridge.mean_u @ weights))
        encoder.mean.copy_(torch.as_tensor(ridge.mean_y))
        values = np.asarray(np.linalg.svd(_on_host(weights), compute_uv=False), np.float64)
        self._singular_values = values
        agreement = self._regression(train.name, pairs[train.name])
        if encoder.standardised:
            # with one train sample there is no deviation
            encoder.spread.fill_(agreement[f"y_deviation_{train.name}"] / self._property_kernels[1] or 1.0)
        self._figures = {
            "alpha": float(alpha),
            **self._sizes(),
            "essential_dimensions": float((values > ESSENTIAL * values[0]).sum()),
            **agreement,
            **self._regression(val.name, pairs[val.name]),
        }
        # processes of several devices encode for themselves
        self._pairs = pairs if self.context.devices == 1 else {}

    def encode_split(self, split: Split, chunk: int) -> Tensor:
        """See `TorchMethod.encode_split`; the U of the regression are used again."""
        pairs = self._pairs.pop(split.name, None)
        if pairs is None:
            return super().encode_split(split, chunk)
        return torch.cat([self.encoder.relate(torch.as_tensor(u).float()) for u, _ in pairs])

    def figures(self) -> dict[str, float]:
        """Return the penalty, the sizes of U and Y, and R2 and the quantities of table 11 on train and val.

        `essential_dimensions` counts the singular values of A above `ESSENTIAL` of the largest (section 4.4).
        """
        return dict(self._figures)

    def notes(self) -> list[str]:
        """Return what a reader of the result should know about the penalty and the kernels."""
        notes = super().notes()
        if self.options.alpha == "val" and self._figures:
            notes += penalty_notes(self._figures["alpha"], ALPHAS)
        sources, samples, _ = self.problem.measurement_shape
        if self._has_kernels and self.options.encoder_kernel != "random-t":
            count = self.options.kernels_per_source(sources)
            if count > samples:
                notes.append(
                    f"{count} kernels per source on {samples} time samples: functions of time beyond number {samples} "
                    "equal earlier ones, except for their sign"
                )
        return notes

    def diagnostics(self, test: Split) -> dict[str, float]:
        """Return R2 with its 95 % interval over samples, and the quantities of table 11, on test."""
        return self._regression(test.name, self._pairs_of(test), interval=True)

    def _sizes(self) -> dict[str, float]:
        """Return the lengths of U (N) and Y (M), and the number of kernels per source where there are kernels."""
        entries = self.encoder.entries
        kernels = {"kernels_per_source": entries / self.problem.measurement_shape[0]} if self._has_kernels else {}
        return {"u_dimensions": float(entries), "y_dimensions": float(self._layout.embedding), **kernels}

    @property
    def _has_kernels(self) -> bool:
        return self.problem.survey.kind == "seismic" and self.options.encoder_kernel != "raw"

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
        kernels, _ = self._property_kernels
        return integrate(kernels, self.problem.property.normalise(maps[:, 0].astype(np.float64)))

    def _pairs_of(self, split: Split) -> Pairs:
        return Pairs(partial(self._compute_pairs, split), len(split) * (self.encoder.entries + self._layout.embedding))

    def _compute_pairs(self, split: Split) -> Iterator[tuple[Any, Any]]:
        """Batches of U `(rows, S N)` and Y `(rows, M)`: arrays on a CPU, whose BLAS numpy uses, tensors on a GPU."""
        for start in range(0, len(split), CHUNK):
            chunk = slice(start, start + CHUNK)
            measurements = torch.from_numpy(split.measurements[chunk]).to(self.device)
            with torch.no_grad():
                u = self.encoder.integrate(measurements).double()
            y = self.integrate_properties(split.properties[chunk])
            yield (u.numpy(), y) if self.device.type == "cpu" else (u, torch.from_numpy(y).to(self.device))

    def _regression(self, split: str, known: Pairs, *, interval: bool = False) -> dict[str, float]:
        matrix, offset = self.encoder.matrix.double(), self.encoder.offset.double()
        weights, shift = (matrix.numpy(), offset.numpy()) if self.device.type == "cpu" else (matrix, offset)
        pairs = ((_on_host(u @ weights.T + shift), _on_host(y)) for u, y in known)
        mean, (_, area) = _on_host(self.encoder.mean.double()), self._property_kernels
        return regression_figures(split, pairs, mean, area, interval=interval)


def _on_host(values: Array64 | Tensor) -> Array64:
    return values.cpu().numpy() if isinstance(values, Tensor) else values
