"""What a method may return from `predict`; runs, `fwibench predict` and the conformance checks ask here."""

from __future__ import annotations

from typing import Any

import numpy as np

from fwibench.errors import DivergedError, MethodError
from fwibench.files.npy import to_float32
from fwibench.samples import find_not_finite
from fwibench.typing import Array32


def check_prediction(found: Any, expected: tuple[int, ...]) -> Array32:
    """Return a prediction as float32.

    Args:
        found: What `predict` returned: an array of real floating point numbers or integers, in the property's unit.
        expected: Its shape, `(n, 1, Z, X)`.

    Raises:
        MethodError: It is no array of such numbers, or has another shape.
        DivergedError: It holds values that are not finite as float32.
    """
    hint = "return maps.astype('float32'), a numpy array of (n, 1, Z, X) in the property's unit"
    if not isinstance(found, np.ndarray) or isinstance(found, np.ma.MaskedArray):
        raise MethodError(f"predict returned {type(found).__name__}, expected a numpy array", hint)
    if found.dtype.kind not in "fiu":
        raise MethodError(f"predict returned {found.dtype}, expected real numbers: float32", hint)
    if found.shape != expected:
        raise MethodError(f"predict returned shape {found.shape}, expected {expected}")
    maps = to_float32(found)
    if bad := len(find_not_finite(maps)):
        raise DivergedError(f"predict returned values that are not finite in {bad} of {len(maps)} samples")
    return maps
