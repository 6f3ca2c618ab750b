"""Integral kernels of measurement and property (tables 2 and 3 of the paper).

Every kernel but the radial one is a sum of products of one function per axis with a common index:
Phi_n(x, t) = sum_k f_kn(t) g_kn(x). A double integral is therefore computed as two single ones, without forming the
two-dimensional kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from fwibench.typing import Array32, Array64
from fwibench_invlint import EncoderKernel, PropertyKernel
from fwibench_invlint.layouts import Size

Products = tuple[tuple[Array64, Array64], ...]
"""Pairs of functions `(N, first axis)` and `(N, second axis)`; kernels are sums of their outer products."""
PropertyKernels = Products | Array32
"""Products, or whole kernels `(M, Z, X)`. These are kept in float32: those of kimberlina-leakage take 123 MB."""


def harmonics(function: Callable[[Array64], Array64], length: int, n: int) -> Array64:
    """Return `function(k pi s)` for k = 1..n at equally spaced points s of (0, 1], `(n, length)`.

    Args:
        function: Periodic function, such as the sine.
        length: Number of points.
        n: Number of harmonics.
    """
    return function(np.pi * np.outer(np.arange(1, n + 1), np.arange(1, length + 1) / length))


def encoder_kernels(kind: EncoderKernel, n: int, nt: int, receivers: int, seed: int = 0) -> Products:
    """Return kernels Phi over time `(N, T)` and receivers `(N, R)`.

    The integral over x is a mean over receivers, which equals 1(x) / (x_max - x_min) for equally spaced receivers; the
    integral over t is a sum.

    Args:
        kind: Name of the kernel in table 2, or `random-t`.
        n: Number of kernels (N).
        nt: Number of time samples (T).
        receivers: Number of receivers (R).
        seed: Seed of the values of `random-t`.
    """
    mean = np.full((n, receivers), 1.0 / receivers)
    if kind == "random-t":
        # the variance is that of a sine, so that a penalty has the same effect
        return ((np.random.default_rng(seed).normal(scale=math.sqrt(0.5), size=(n, nt)), mean),)
    sin_t, cos_t = harmonics(np.sin, nt, n), harmonics(np.cos, nt, n)
    sin_x, cos_x = harmonics(np.sin, receivers, n) / receivers, harmonics(np.cos, receivers, n) / receivers
    products: dict[EncoderKernel, Products] = {
        "sin-t": ((sin_t, mean),),
        "sin-t*sin-x": ((sin_t, sin_x),),
        "sin-t*cos-x": ((sin_t, cos_x),),
        "cos-t*sin-x": ((cos_t, sin_x),),
        "sin(x+t)": ((sin_t, cos_x), (cos_t, sin_x)),
        "sin-t+sin-x": ((sin_t, mean), (np.ones((n, nt)), sin_x)),
    }
    return products[kind]


def averages(length: int, size: int) -> Array64:
    """Return the averages over consecutive blocks along an axis as a matrix `(blocks, length)`; the last is shorter.

    Args:
        length: Number of samples along the axis.
        size: Number of samples of a block.
    """
    member = np.arange(length) // size == np.arange(math.ceil(length / size))[:, None]
    return member / member.sum(1, keepdims=True)


def property_kernels(kind: PropertyKernel, centres: Size, shape: Size) -> tuple[PropertyKernels, float]:
    """Return kernels Psi over depth and x, divided by an area.

    The division by the area keeps integrals of a normalised map close to [-1, 1]; multiplied by it they are the
    integrals of table 11 of the paper.

    Args:
        kind: Name of the kernel in table 3.
        centres: Number of kernel centres along depth and x; their product is M.
        shape: Shape `(Z, X)` of the map.

    Returns:
        The kernels, and the area [nodes].
    """
    if kind == "sinc":
        return _radial_sinc(centres, shape)
    if kind in ("gaussian", "gaussian/3", "sinc-product"):
        return _localised(kind, centres, shape)
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


def _offsets(length: int, count: int) -> Array64:
    """Return the distances of nodes from equally spaced centres, in units of the spacing, `(count, length)`.

    Args:
        length: Number of nodes along the axis.
        count: Number of centres.
    """
    spacing = length / count
    middle = (np.arange(count) + 0.5) * spacing - 0.5
    return np.asarray((np.arange(length)[None, :] - middle[:, None]) / spacing)


def _localised(kind: PropertyKernel, centres: Size, shape: Size) -> tuple[Products, float]:
    """Return kernels around equally spaced centres; sigma is their spacing (section 4.1.2), or a third of it."""
    axes, area = [], 1.0
    for length, count in zip(shape, centres, strict=True):
        spacing, offset = length / count, _offsets(length, count)
        if kind == "sinc-product":
            axis, width = np.sinc(offset), spacing
        else:
            sigma = 1 / 3 if kind == "gaussian/3" else 1.0
            axis, width = np.exp(-((offset / sigma) ** 2) / 2), math.sqrt(2 * math.pi) * sigma * spacing
        axes.append(axis / width)
        area *= width
    along_z = np.repeat(axes[0], centres[1], axis=0)
    along_x = np.tile(axes[1], (centres[0], 1))
    return ((along_z, along_x),), area


def _radial_sinc(centres: Size, shape: Size) -> tuple[Array32, float]:
    """Return sin(pi r) / r around equally spaced centres (section 4.3); r is in units of their spacing.

    Its integral over a disc oscillates between 0 and 4 with the radius, in units of the spacing squared; the area is
    the mean of that, 2.
    """
    (z, x), spacing = (_offsets(*axis) for axis in zip(shape, centres, strict=True)), np.divide(shape, centres)
    area = 2 * float(spacing.prod())
    kernels = np.empty((*centres, *shape), np.float32)
    for row, depth in zip(kernels, z, strict=True):
        row[:] = np.pi / area * np.sinc(np.hypot(depth[:, None], x[:, None, :]))
    return kernels.reshape(-1, *shape), area


def integrate(kernels: PropertyKernels, maps: Array64) -> Array64:
    """Return the integrals `(n, M)` of maps `(n, Z, X)`."""
    if isinstance(kernels, np.ndarray):
        return (maps.reshape(len(maps), -1).astype(np.float32) @ kernels.reshape(len(kernels), -1).T).astype(np.float64)
    total = sum(((maps @ along_x.T) * along_z.T).sum(1) for along_z, along_x in kernels)
    return np.asarray(total)
