"""The method contract.

Invariant: a method sees measurements and the train and val splits, never the truth of what it predicts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from fwibench.errors import MethodError
from fwibench.methods.complexity import Complexity, Layer
from fwibench.methods.context import RunContext
from fwibench.problem import Problem
from fwibench.samples import Split
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
