"""Tolerances that come from the quantity, not from what one processor gave.

Two correct computations of the same number differ by rounding, and by what amplifies it: the number of terms in a sum,
the condition number of a system, the iterations of an inversion. A test states which of these it allows:

- `assert_within_range`: maps may differ by a share of the property's range, the natural scale of an error.
- `assert_same_signal`: arrays may differ by a share of the expected array's norm, for measurements and gradients,
  whose single entries pass through zero.
- `rounding`: what rounding alone explains, for results of one sum or one linear system.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fwibench.problem import Property


def rounding(terms: int = 1, condition: float = 1.0, dtype: Any = np.float32) -> float:
    """Relative error that rounding explains.

    Args:
        terms: Numbers in the longest sum; errors of a sum in any order stay below the square root of them on
            average, and four times that practically always.
        condition: Condition number of the system that was solved, or by how much the computation amplifies errors.
        dtype: Floating-point type of the computation.

    Returns:
        Tolerance relative to the size of the largest terms.
    """
    return 4 * float(np.finfo(dtype).eps) * math.sqrt(terms) * condition


def assert_within_range(found: ArrayLike, expected: ArrayLike, bounds: Property, share: float) -> None:
    """Assert that maps agree at every node to a share of the property's range.

    Args:
        found: Maps in the property's unit, any shape.
        expected: Maps of the same shape.
        bounds: Property whose range is the scale.
        share: Largest difference over that range; 1e-3 of 1500 to 4500 m/s is 3 m/s.
    """
    np.testing.assert_allclose(found, expected, rtol=0, atol=share * (bounds.high - bounds.low))


def assert_same_signal(found: ArrayLike, expected: ArrayLike, share: float) -> None:
    """Assert that the L2 norm of the difference is at most a share of the norm of the expected array."""
    a, b = (np.asarray(values, np.float64) for values in (found, expected))
    assert a.shape == b.shape
    difference = float(np.linalg.norm(a - b) / np.linalg.norm(b))
    assert difference <= share, f"the arrays differ by {difference:.2e} of the expected norm, allowed are {share:.2e}"
