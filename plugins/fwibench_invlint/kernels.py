"""Integral kernels of measurement and property (tables 2 and 3 of the paper).

Every kernel is a sum of products of one function per axis with a common index: Phi_n(x, t) = sum_k f_kn(t) g_kn(x). A
double integral is therefore computed as two single ones, without forming the two-dimensional kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from fwibench.typing import Array64
from fwibench_invlint import EncoderKernel, PropertyKernel

Products = tuple[tuple[Array64, Array64], ...]
"""Pairs of functions `(N, first axis)` and `(N, second axis)`; kernels are sums of their outer products."""


def harmonics(function: Callable[[Array64], Array64], length: int, n: int) -> Array64:
    """Return `function(k pi s)` for k = 1..n at equally spaced points s of (0, 1], `(n, length)`.

    Args:
        function: Periodic function, such as the sine.
        length: Number of points.
        n: Number of harmonics.
    """
    return function(np.pi * np.outer(np.arange(1, n + 1), np.arange(1, length + 1) / length))


def encoder_kernels(kind: EncoderKernel, n: int, nt: int, receivers: int) -> Products:
    """Return kernels Phi over time `(N, T)` and receivers `(N, R)`.

    The integral over x is a mean over receivers, which equals 1(x) / (x_max - x_min) for equally spaced receivers; the
    integral over t is a sum.

    Args:
        kind: Name of the kernel in table 2.
        n: Number of kernels (N).
        nt: Number of time samples (T).
        receivers: Number of receivers (R).
    """
    mean = np.full((n, receivers), 1.0 / receivers)
    sin_t, cos_t = harmonics(np.sin, nt, n), harmonics(np.cos, nt, n)
    sin_x, cos_x = harmonics(np.sin, receivers, n) / receivers, harmonics(np.cos, receivers, n) / receivers
    return {
        "sin-t": ((sin_t, mean),),
        "sin-t*sin-x": ((sin_t, sin_x),),
        "sin-t*cos-x": ((sin_t, cos_x),),
        "cos-t*sin-x": ((cos_t, sin_x),),
        "sin(x+t)": ((sin_t, cos_x), (cos_t, sin_x)),
        "sin-t+sin-x": ((sin_t, mean), (np.ones((n, nt)), sin_x)),
    }[kind]


def property_kernels(kind: PropertyKernel, embedding: int, shape: tuple[int, int]) -> tuple[Products, float]:
    """Return kernels Psi over depth `(M, Z)` and x `(M, X)`, divided by an area.

    The division by the area keeps integrals of a normalised map close to [-1, 1]; multiplied by it they are the
    integrals of table 11 of the paper.

    Args:
        kind: Name of the kernel in table 3.
        embedding: Approximate number of kernels (M).
        shape: Shape `(Z, X)` of the map.

    Returns:
        The kernels, and the area [nodes].
    """
    centres = kernel_centres(shape, embedding)
    if kind in ("gaussian", "gaussian/3", "sinc"):
        return _localised(kind, shape, centres)
    m, area = math.prod(centres), float(math.prod(shape))
    sin_z, cos_z = (harmonics(f, shape[0], m) / shape[0] for f in (np.sin, np.cos))
    sin_x, cos_x = (harmonics(f, shape[1], m) / shape[1] for f in (np.sin, np.cos))
    mean_z, mean_x = np.full_like(sin_z, 1 / shape[0]), np.full_like(sin_x, 1 / shape[1])
    products: dict[str, Products] = {
        "sin-x*sin-z": ((sin_z, sin_x),),
        "cos-x*sin-z": ((sin_z, cos_x),),
        "sin-x*cos-z": ((cos_z, sin_x),),
        "sin(x+z)": ((cos_z, sin_x), (sin_z, cos_x)),
        "sin-x+sin-z": ((mean_z, sin_x), (sin_z, mean_x)),
    }
    return products[kind], area


def kernel_centres(shape: tuple[int, int], embedding: int) -> tuple[int, int]:
    """Return the number of equally spaced kernel centres along depth and x, at least `embedding` in all.

    For 512 it is 23 x 23 on 70 x 70 nodes, 19 x 28 on 40 x 60, and 39 x 14 on 401 x 141.
    """
    spacing = max(math.sqrt(shape[0] * shape[1] / embedding), 1.0)
    return math.ceil(shape[0] / spacing), math.ceil(shape[1] / spacing)


def _localised(kind: PropertyKernel, shape: tuple[int, int], centres: tuple[int, int]) -> tuple[Products, float]:
    """Return kernels around equally spaced centres; sigma is their spacing (section 4.1.2), or a third of it."""
    axes, area = [], 1.0
    for length, count in zip(shape, centres, strict=True):
        spacing = length / count
        middle = (np.arange(count) + 0.5) * spacing - 0.5
        offset = (np.arange(length)[None, :] - middle[:, None]) / spacing
        if kind == "sinc":
            axis, width = np.sinc(offset), spacing
        else:
            sigma = 1 / 3 if kind == "gaussian/3" else 1.0
            axis, width = np.exp(-((offset / sigma) ** 2) / 2), math.sqrt(2 * math.pi) * sigma * spacing
        axes.append(axis / width)
        area *= width
    along_z = np.repeat(axes[0], centres[1], axis=0)
    along_x = np.tile(axes[1], (centres[0], 1))
    return ((along_z, along_x),), area


def integrate(products: Products, maps: Array64) -> Array64:
    """Return the integrals `(n, M)` of maps `(n, Z, X)`."""
    total = sum(((maps @ along_x.T) * along_z.T).sum(1) for along_z, along_x in products)
    return np.asarray(total)
