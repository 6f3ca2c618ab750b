"""Aliases of array types, with what they hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array32 = NDArray[np.float32]
"""Samples as they are stored and computed with: float32."""
Array64 = NDArray[np.float64]
"""Intermediate results that need more digits: float64."""
Indices = NDArray[np.int64]
"""Positions in an array, or numbers of samples."""
Maps = Array32
"""Properties `(n, 1, Z, X)`, in the unit of the property."""
Scores = Array64
"""One score of each sample, `(n,)`."""
