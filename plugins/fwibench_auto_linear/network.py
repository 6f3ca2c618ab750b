"""The two autoencoders and the linear maps between their latents, as one module."""

from __future__ import annotations

from torch import Tensor, nn

from fwibench.problem import Problem
from fwibench_auto_linear import AutoLinearOptions
from fwibench_auto_linear.autoencoder import MaskedAutoencoder
from fwibench_auto_linear.linear_map import LinearMap
from fwibench_auto_linear.patches import map_patches, measurement_patches


class AutoLinearNetwork(nn.Module):
    """Predicts maps from measurements (inversion) and measurements from maps (forward modelling).

    The autoencoders share no weight and the linear maps have no gradient, so a step on the sum of both losses trains
    each autoencoder as if it were alone. Measurements and maps are normalised.

    Args:
        problem: Problem with the shapes of measurements and maps.
        options: Options of Auto-Linear.
    """

    def __init__(self, problem: Problem, options: AutoLinearOptions) -> None:
        super().__init__()
        shape, count = problem.measurement_shape, options.measurement_patches
        self.measurements = MaskedAutoencoder(measurement_patches(shape, count), options)
        self.maps = MaskedAutoencoder(map_patches(problem.grid.shape, options.map_patches), options)
        self.inversion = LinearMap(self.measurements.size, self.maps.size, options.rank)
        self.modelling = LinearMap(self.maps.size, self.measurements.size, options.rank)

    def forward(self, measurements: Tensor, maps: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Return predicted maps `(n, 1, Z, X)` of measurements; with maps what the autoencoders restore of both.

        Both are this module's forward pass because Lightning Fabric wraps that one only.

        Args:
            measurements: Measurements `(n, S, T, R)`.
            maps: Maps `(n, 1, Z, X)` of training; None to predict.
        """
        if maps is None:
            return self.maps.decode(self.inversion(self.measurements.encode(measurements)))
        return self.measurements.restore(measurements), self.maps.restore(maps)

    def model(self, maps: Tensor) -> Tensor:
        """Return predicted measurements `(n, S, T, R)` of maps `(n, 1, Z, X)`."""
        return self.measurements.decode(self.modelling(self.maps.encode(maps)))
