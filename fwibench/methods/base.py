"""The method contract.

Invariant: a method sees measurements and the train and val splits, never the truth of what it predicts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fwibench.errors import DivergedError, MethodError
from fwibench.files.npy import to_float32
from fwibench.methods.complexity import Complexity, Layer
from fwibench.methods.context import RunContext
from fwibench.problem import Problem
from fwibench.samples import Split, find_not_finite
from fwibench.typing import Array32


class Method(ABC):
    """Predicts a property from measurements.

    Args:
        problem: What is to be inverted.
        options: Validated options, an instance of the spec's model.
        context: Device, seeds, working folder and clock of this run.

    Attributes:
        history: What happened during fit, one entry an epoch or iteration.
        resumed_s: Seconds that earlier attempts spent on the fit that this one goes on from.
        fit_threads: Threads that the fit took on a CPU; None if it did not choose.
    """

    def __init__(self, problem: Problem, options: Any, context: RunContext) -> None:
        self.problem = problem
        self.options = options
        self.context = context
        self.history: list[dict[str, float]] = []
        self.resumed_s = 0.0
        self.fit_threads: int | None = None

    def fit(self, train: Split, val: Split) -> None:  # noqa: B027 - methods that learn nothing leave it empty
        """Learns from `train`; everything that must be chosen is chosen on `val`."""

    @abstractmethod
    def predict(self, measurements: Array32) -> Array32:
        """Inverts measurements.

        Args:
            measurements: Raw amplitudes, `(n, S, T, R)`.

        Returns:
            Property maps in physical units, `(n, 1, Z, X)`; each depends on its own measurement alone. All values are
            finite; other real floating point numbers and integers become float32, see `check_prediction`.
        """

    def reveal(self, properties: Array32) -> None:
        """Shows the truth of the next `predict`; called on the track `oracle-start` alone.

        Args:
            properties: `(n, 1, Z, X)`, in the order of the measurements.
        """
        raise MethodError(f"{type(self).__name__} is on the oracle's track and has no use for the truth")

    @abstractmethod
    def complexity(self) -> Complexity:
        """Parameters and arithmetic of one sample."""

    def layers(self) -> tuple[Layer, ...]:
        """Layers in order of execution, their parameters and MACs adding up to those of `complexity`.

        Default: none, for methods that have no layers or do not tell.
        """
        return ()

    @abstractmethod
    def save(self, path: Path) -> None:
        """Writes all that `predict` needs into the folder `path`, which exists."""

    @abstractmethod
    def load(self, path: Path) -> None:
        """Reads what `save` wrote; afterwards the method predicts as the saved one did."""

    def figures(self) -> dict[str, float]:
        """Return figures about the inner workings that need no truth, such as what the fit chose.

        Called once after the predictions, on the method that made them. Default: none.
        """
        return {}

    def diagnostics(self, test: Split) -> dict[str, float]:
        """Return figures about the inner workings that need the truth.

        Called once, after the predictions are stored and scored, in a process of its own: on a method that was made by
        `load`, not on the one that was fitted. If it fails, the record has a note. Default: none.
        """
        return {}

    def spectra(self) -> Mapping[str, ArrayLike]:
        """Spectra of what was solved for, by name: singular values of a matrix, say, in descending order.

        Called once after the predictions and kept in the run's `spectra.json`; `fwibench figures` draws them.
        Default: none.
        """
        return {}

    def not_fitted(self) -> MethodError:
        """The error to raise when `predict`, `save` or `complexity` come before `fit` or `load`."""
        return MethodError(f"{type(self).__name__} was used before fit", "call fit or load first")


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
