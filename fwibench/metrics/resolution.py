"""Resolution: which part of a map is right, by wavenumber, by depth, and at edges.

Wavenumbers are those of the map mirrored at its edges, by the discrete cosine transform: a map that is larger at one
side than at the other has no jump there that would look like fine structure. The transform keeps energies, so the
energies of all bands sum to that of the map.

Invariant: bands, thirds and the size of a jump follow from the problem, never from predictions, so that they are the
same for every method.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fwibench.problem import Grid, Problem, SeismicSurvey
from fwibench.typing import Array64, Maps, Scores

Band = Literal["low", "mid", "high"]
BANDS: tuple[Band, ...] = "low", "mid", "high"
THIRDS = ("shallow", "middle", "deep")

LOW_WAVELENGTHS = 2.0
"""Structures longer than this many wavelengths are low: reflections hardly constrain them (Virieux, Operto, 2009)."""
HIGH_WAVELENGTHS = 0.5
"""Shorter structures are high: the diffraction limit of waves of the peak frequency (Wu and Toksoez, 1987)."""
LOW_NYQUIST, HIGH_NYQUIST = 1 / 16, 1 / 4
"""Ends of the low and the mid band without a wavelength, over the Nyquist wavenumber: 32 and 8 nodes."""
LEAST = 1e-3
"""Root mean square of a band of the truth over the range of the property, below which the band is empty."""
JUMP = 0.05
"""Difference of neighbouring nodes over the range of the property that is an edge: 150 m/s for 1500 to 4500 m/s. Maps
of the built-in datasets have 5 to 38 % of their nodes near such edges."""
BINS = 40
"""Most bins of `error_by_wavenumber`."""


class Spectrum(NamedTuple):
    """Error by wavenumber.

    Attributes:
        wavenumbers: Mean radial wavenumber of each bin [cycles/m], `(bins,)`; bins without structures of the truth are
            left out.
        errors: Relative L2 error of each bin, `(bins,)`.
    """

    wavenumbers: Array64
    errors: Array64


def error_low(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the relative L2 error of structures longer than two wavelengths, their mean included.

    It is the norm of `prediction - truth` in the band over the norm of the truth's deviation from its mean there: 0 if
    the band is right, 1 if it is missing. The wavelength is that of `wavelength`; without one see `band_limits`.

    Args:
        prediction: Predicted maps `(n, 1, Z, X)` in physical units.
        truth: True maps of the same shape.
        problem: Problem with grid, survey and bounds of the property.

    Returns:
        Scores `(n,)`; NaN where the band of the truth is empty, see `LEAST`.
    """
    return _band_error(prediction, truth, problem, "low")


def error_mid(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the relative L2 error of structures between two and half a wavelength; see `error_low`.

    Args:
        prediction: See `error_low`.
        truth: See `error_low`.
        problem: See `error_low`.
    """
    return _band_error(prediction, truth, problem, "mid")


def error_high(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the relative L2 error of structures shorter than half a wavelength; see `error_low`.

    Args:
        prediction: See `error_low`.
        truth: See `error_low`.
        problem: See `error_low`.
    """
    return _band_error(prediction, truth, problem, "high")


def mae_shallow(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the mean absolute error of the upper third of the rows, in the property's unit.

    Args:
        prediction: Predicted maps `(n, 1, Z, X)` in physical units.
        truth: True maps of the same shape.
        problem: Not used.

    Returns:
        Scores `(n,)`; NaN where the third has no row.
    """
    return _third_error(prediction, truth, 0)


def mae_middle(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the mean absolute error of the middle third of the rows; see `mae_shallow`.

    Args:
        prediction: See `mae_shallow`.
        truth: See `mae_shallow`.
        problem: See `mae_shallow`.
    """
    return _third_error(prediction, truth, 1)


def mae_deep(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the mean absolute error of the lower third of the rows; see `mae_shallow`.

    Args:
        prediction: See `mae_shallow`.
        truth: See `mae_shallow`.
        problem: See `mae_shallow`.
    """
    return _third_error(prediction, truth, 2)


def mae_edges(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the mean absolute error near edges of the truth, see `near_edges`, in the property's unit.

    Args:
        prediction: Predicted maps `(n, 1, Z, X)` in physical units.
        truth: True maps of the same shape.
        problem: Problem with the bounds of the property.

    Returns:
        Scores `(n,)`; NaN where the truth has no edge.
    """
    return _masked_error(prediction, truth, near_edges(truth, problem))


def mae_inside(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the mean absolute error away from edges of the truth, see `near_edges`, in the property's unit.

    Args:
        prediction: See `mae_edges`.
        truth: See `mae_edges`.
        problem: See `mae_edges`.

    Returns:
        Scores `(n,)`; NaN where every node is near an edge.
    """
    return _masked_error(prediction, truth, ~near_edges(truth, problem))


def wavelength(problem: Problem) -> float | None:
    """Return the wavelength of the peak frequency at the mean of the bounds of the velocity [m]; None without one."""
    if not isinstance(problem.survey, SeismicSurvey) or problem.property.unit != "m/s":
        return None
    return (problem.property.low + problem.property.high) / 2 / problem.survey.wavelet.frequency


def band_limits(problem: Problem) -> tuple[float, float]:
    """Return the wavenumbers between the low, the mid and the high band [cycles/m].

    They are one over two wavelengths and two over a wavelength. Without a wavelength they are a sixteenth and a quarter
    of the Nyquist wavenumber of the grid.
    """
    length = wavelength(problem)
    if length is None:
        nyquist = 0.5 / problem.grid.spacing
        return LOW_NYQUIST * nyquist, HIGH_NYQUIST * nyquist
    return 1 / (LOW_WAVELENGTHS * length), 1 / (HIGH_WAVELENGTHS * length)


def near_edges(truth: Maps, problem: Problem) -> NDArray[np.bool_]:
    """Return the nodes near an edge, `(n, 1, Z, X)`: up to two nodes from where neighbours differ by `JUMP` or more.

    Neighbours are those in the row and in the column. Both belong to the edge, and so do the eight nodes around each.
    """
    least = JUMP * (problem.property.high - problem.property.low)
    near = np.zeros(truth.shape, bool)
    for axis in (-2, -1):
        lower, upper = _halves(near, axis)
        jump = np.abs(np.diff(truth.astype(np.float64), axis=axis)) >= least
        lower |= jump
        upper |= jump
    for axis in (-2, -1):
        before = near.copy()
        for side, neighbour in zip(_halves(near, axis), reversed(_halves(before, axis)), strict=True):
            side |= neighbour
    return near


def error_by_depth(prediction: Maps, truth: Maps) -> Array64:
    """Return the mean absolute error of each row over all maps, `(Z,)`, in the property's unit."""
    errors: Array64 = np.abs(prediction.astype(np.float64) - truth).mean(axis=(0, 1, 3))
    return errors


def error_by_wavenumber(prediction: Maps, truth: Maps, problem: Problem) -> Spectrum:
    """Return the relative L2 error of all maps together in bins of the radial wavenumber, up to Nyquist.

    Args:
        prediction: Predicted maps `(n, 1, Z, X)` in physical units.
        truth: True maps of the same shape.
        problem: Problem with the grid.

    Returns:
        Wavenumbers and errors. The first bin holds the mean of the error and the longest waves.
    """
    grid = problem.grid
    radial = radial_wavenumbers(grid)
    nyquist = 0.5 / grid.spacing
    width = max(0.5 / (min(grid.shape) * grid.spacing), nyquist / BINS)
    bins = np.maximum(np.rint(radial / width).astype(int), 1)
    bins[radial > nyquist] = 0
    wrong, there = (_energy(one).sum(axis=0) for one in (prediction.astype(np.float64) - truth, truth))
    there[0, 0] = 0.0
    count = max(int(bins.max()), 1)

    def summed(values: Array64) -> Array64:
        return np.bincount(bins.ravel(), values.ravel(), count + 1)[1:].astype(np.float64)

    reference, waves = summed(there), summed((radial > 0).astype(np.float64))
    full = reference > len(truth) * _least_energy(problem) / count
    errors = np.sqrt(summed(wrong)[full] / reference[full])
    return Spectrum(summed(radial)[full] / waves[full], errors)


def radial_wavenumbers(grid: Grid) -> Array64:
    """Return the radial wavenumber of each coefficient of the discrete cosine transform [cycles/m], `(Z, X)`."""
    down, across = (np.arange(count) / (2 * count * grid.spacing) for count in grid.shape)
    return np.hypot(down[:, None], across)


def _band_error(prediction: Maps, truth: Maps, problem: Problem, band: Band) -> Scores:
    low, high = band_limits(problem)
    number = np.digitize(radial_wavenumbers(problem.grid), (low, high))
    chosen = number == BANDS.index(band)
    wrong, there = (_energy(one) for one in (prediction.astype(np.float64) - truth, truth))
    there[:, 0, 0] = 0.0
    reference = there[:, chosen].sum(axis=1)
    full = reference > _least_energy(problem)
    scores = np.full(len(truth), np.nan)
    scores[full] = np.sqrt(wrong[:, chosen].sum(axis=1)[full] / reference[full])
    return scores


def _energy(maps: Maps | Array64) -> Array64:
    """Return the squared coefficients of the orthonormal cosine transform of maps `(n, 1, Z, X)`, `(n, Z, X)`."""
    from scipy.fft import dctn

    return np.square(dctn(maps[:, 0].astype(np.float64), axes=(-2, -1), norm="ortho"))


def _least_energy(problem: Problem) -> float:
    nodes = problem.grid.nz * problem.grid.nx
    return nodes * (LEAST * (problem.property.high - problem.property.low)) ** 2


def _third_error(prediction: Maps, truth: Maps, third: int) -> Scores:
    first, last = third_rows(truth.shape[-2])[third : third + 2]
    if first == last:
        return np.full(len(truth), np.nan)
    rows = np.s_[:, :, first:last]
    return np.abs(prediction[rows].astype(np.float64) - truth[rows]).mean(axis=(1, 2, 3))


def third_rows(rows: int) -> tuple[int, int, int, int]:
    """Return the first row of the upper, the middle and the lower third, and the number of rows."""
    return 0, round(rows / 3), round(2 * rows / 3), rows


def _masked_error(prediction: Maps, truth: Maps, chosen: NDArray[np.bool_]) -> Scores:
    counts = chosen.sum(axis=(1, 2, 3))
    total = np.where(chosen, np.abs(prediction.astype(np.float64) - truth), 0.0).sum(axis=(1, 2, 3))
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)


def _halves(values: NDArray[np.bool_], axis: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return views of all but the last and all but the first entries along an axis."""
    values = np.moveaxis(values, axis, 0)
    return np.moveaxis(values[:-1], 0, axis), np.moveaxis(values[1:], 0, axis)
