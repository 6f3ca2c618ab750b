"""Checks of predictions that were made elsewhere: samples, values, orientation and order.

Orientation and order are judged by the truth, but only predictions that contradict themselves are rejected: those that
fit far better in another orientation or another order. A method that is merely poor passes; the tests measure that with
maps that are independent of the measurements.

Invariant: an error says what was found and how to correct it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from fwibench.datasets.value_checks import unit_advice
from fwibench.errors import DataError
from fwibench.problem import Property
from fwibench.runs.external.files import Given
from fwibench.samples import find_not_finite
from fwibench.text.readable import list_names, show_number
from fwibench.typing import Array64, Maps

NAMES_SHOWN = 5
FEWEST = 6
"""Fewest samples that are judged by the truth: fewer have too few orders for a significant result."""
FAR = 0.25
"""Distance from the bounds, as a share of their range, that a map of the property may have: closed forms overshoot."""
MOST_OUTSIDE = 0.5
"""Share of nodes further away than `FAR` above which the values are of another unit."""
OUTSIDE_SHARE = 0.25
"""Share of nodes outside of the bounds above which a note is given, as for `fwibench predict`."""
ORIENTED = 0.8
"""Ratio of errors below which another orientation is the right one. Maps that are independent of the measurements have
0.97 or more (docs/decisions/0051)."""
PERMUTED = 0.5
"""Ratio of the error in the best order to that in the given order below which the order may be wrong."""
CLOSER = 0.7
"""Ratio of the error in the best order to that of other maps of the dataset below which it is. Of `PERMUTED` alone,
draws of a simple geology reach 0.38; of this one 0.89 or more (docs/decisions/0051)."""
ORDERS = 999
"""Random orders that the given one is compared with."""
LEVEL = 0.05
"""Share of random orders that may fit as well as the given one."""
ROUNDING = 1e-9
"""Relative rounding of sums of squares."""
NODES = 24
"""Nodes along each axis, at most about twice as many, that orders are compared on."""


def in_order(given: Given, ids: Sequence[str]) -> Maps:
    """Return the maps of all test samples, in the order of the split.

    Args:
        given: The predictions.
        ids: Ids of the test samples.

    Raises:
        DataError: There are too few or too many maps, or ids that are missing, unknown or there twice.
    """
    if given.ids is None:
        if len(given.maps) != len(ids):
            raise DataError(
                f"{given.file} holds {len(given.maps)} maps, expected {len(ids)}: one of each test sample",
                "store the ids of the samples with the maps, so that missing ones can be named",
            )
        return given.maps
    known = set(ids)
    found = Counter(given.ids)
    for what, names, hint in (
        ("unknown", [one for one in found if one not in known], f"ids of test samples are written as {ids[0]}"),
        ("duplicate", [one for one, count in found.items() if count > 1], "store one map of each sample"),
        ("missing", [one for one in ids if one not in found], "predict all test samples"),
    ):
        if names:
            raise DataError(
                f"{given.file}: {len(names)} of {len(found) if what != 'missing' else len(ids)} ids are {what}: "
                f"{list_names(names, NAMES_SHOWN)}",
                hint,
            )
    position = {sample: number for number, sample in enumerate(given.ids)}
    return given.maps[[position[sample] for sample in ids]]


def check_values(maps: Maps, ids: Sequence[str], bounds: Property, file: str) -> list[str]:
    """Check that values are finite and in the unit of the property.

    Args:
        maps: Maps `(n, 1, Z, X)`.
        ids: Ids of their samples.
        bounds: The property.
        file: Name of the file, for messages.

    Returns:
        A note if many values lie outside of the bounds.

    Raises:
        DataError: Values are NaN or infinite, or in another unit, which the hint names.
    """
    if len(bad := find_not_finite(maps)):
        raise DataError(
            f"{file}: {len(bad)} of {len(maps)} maps hold NaN or infinite values; the first is of {ids[bad[0]]}",
            "predict these samples again; every node needs a value",
        )
    reach = FAR * (bounds.high - bounds.low)
    far = float(((maps < bounds.low - reach) | (maps > bounds.high + reach)).mean())
    if far > MOST_OUTSIDE:
        low, high = (float(value) for value in np.quantile(maps, (0.01, 0.99)))
        raise DataError(
            f"{file}: {far:.0%} of the nodes are far outside of the bounds of the problem: {bounds.name} "
            f"{show_number(low)} to {show_number(high)} found, expected {bounds.low:g} to {bounds.high:g} "
            f"{bounds.unit}",
            _unit_advice(low, high, bounds) or "these are maps of another property or in an unknown unit",
        )
    if (outside := bounds.outside(maps) / maps.size) > OUTSIDE_SHARE:
        return [f"{outside:.0%} of the predicted nodes lie outside of {bounds.low:g} to {bounds.high:g} {bounds.unit}"]
    return []


def _unit_advice(low: float, high: float, bounds: Property) -> str:
    """Return advice on the unit of values that are mostly between `low` and `high`; empty if it is unclear."""
    if advice := unit_advice((low, high), bounds, FAR):
        return advice
    span = bounds.high - bounds.low
    for first, name in ((0, "[0, 1]"), (-1, "[-1, 1]")):
        if first - FAR <= low and high <= 1 + FAR:
            return f"these look normalised to {name}: {bounds.low:g} + {span / (1 - first):g} * (maps - {first})"
    return ""


def check_orientation(maps: Maps, truth: Maps, file: str) -> None:
    """Check that no other orientation of the maps fits the truth far better.

    Args:
        maps: Maps `(n, 1, Z, X)`.
        truth: True maps of the same shape.
        file: Name of the file, for messages.

    Raises:
        DataError: The maps are transposed, upside down or mirrored.
    """
    if len(maps) < FEWEST:
        return
    turned = {
        "transposed, x first": (maps.swapaxes(-1, -2), "maps.swapaxes(-1, -2)"),
        "upside down": (maps[..., ::-1, :], "maps[..., ::-1, :]"),
        "mirrored": (maps[..., ::-1], "maps[..., ::-1]"),
    }
    errors = {what: _error(one, truth) for what, (one, _) in turned.items() if one.shape == truth.shape}
    given, (best, what) = _error(maps, truth), min((error, what) for what, error in errors.items())
    if best < ORIENTED * given:
        raise DataError(
            f"{file}: the maps seem to be {what}: their RMSE is {show_number(given)}, and {show_number(best)} the "
            "other way round",
            f"store {turned[what][1]}: (samples, 1, depth, x), row 0 at the surface",
        )


def check_order(maps: Maps, truth: Maps, file: str) -> list[str]:
    """Check that maps without ids are in the order of the split.

    Args:
        maps: Maps `(n, 1, Z, X)`.
        truth: True maps of the same shape.
        file: Name of the file, for messages.

    Returns:
        A note if the given order fits no better than random orders.

    Raises:
        DataError: In another order the maps fit far better, and better than other maps of the dataset could.
    """
    if len(maps) < FEWEST:
        return []
    predicted, true = _coarse(maps), _coarse(truth)
    apart = _squares(predicted, true)
    given, best = _root_mean(np.diagonal(apart)), _best_order(apart)
    others = _squares(true, true)
    np.fill_diagonal(others, np.inf)
    if best < min(PERMUTED * given, CLOSER * _best_order(others)):
        raise DataError(
            f"{file}: the maps are not in the order of the test split: their RMSE is {show_number(given)}, and "
            f"{show_number(best)} in the order that fits best",
            "store the id of each sample with the maps, then their order does not matter",
        )
    rng, rows = np.random.default_rng(0), np.arange(len(maps))
    # equal maps fit equally well in every order, up to rounding
    limit = given**2 * (1 + ROUNDING)
    as_good = sum(bool(apart[rows, rng.permutation(rows)].mean() <= limit) for _ in range(ORDERS))
    if as_good > LEVEL * ORDERS:
        return [
            f"in this order the maps fit no better than in a random one ({as_good} of {ORDERS} fit as well): a method "
            "that ignores the measurements, or another order than that of the test split; ids would tell"
        ]
    return []


def _error(maps: Maps, truth: Maps) -> float:
    """Return the root of the mean squared error of all nodes."""
    pairs = zip(maps, truth, strict=True)
    return float(np.sqrt(np.mean([np.square(one.astype(np.float64) - true).mean() for one, true in pairs])))


def _root_mean(squares: Array64) -> float:
    return float(np.sqrt(squares.mean()))


def _coarse(maps: Maps) -> Array64:
    """Return maps as rows with a part of their nodes."""
    down, across = (max(length // NODES, 1) for length in maps.shape[-2:])
    return maps[:, 0, ::down, ::across].reshape(len(maps), -1).astype(np.float64)


def _squares(maps: Array64, others: Array64) -> Array64:
    """Return the mean squared difference of each map of one array and each of another."""
    products = np.square(maps).sum(1)[:, None] + np.square(others).sum(1) - 2 * maps @ others.T
    return np.maximum(products, 0) / maps.shape[1]


def _best_order(squares: Array64) -> float:
    """Return the root mean square of the pairs of an assignment that makes it smallest."""
    from scipy.optimize import linear_sum_assignment

    found: Array64 = squares[linear_sum_assignment(squares)]
    return _root_mean(found)
