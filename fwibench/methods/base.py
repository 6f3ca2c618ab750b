"""The method contract.

Invariant: a method sees measurements and the train and val splits, but never the true maps of the samples it predicts.
The track `oracle-start` is the one exception, see `Method.reveal`.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fwibench.errors import DivergedError, MethodError
from fwibench.files.npy import to_float32
from fwibench.methods.complexity import Complexity, Layer
from fwibench.methods.context import FittedMethod, RunContext
from fwibench.problem import Problem
from fwibench.samples import Split, find_not_finite
from fwibench.specs.method import MOST_SAMPLES
from fwibench.typing import Array32


class Method(ABC):
    """Predicts a property from measurements.

    Args:
        problem: Grid, survey, physics, property and scaling of the inverse problem.
        options: Validated options, an instance of the spec's model.
        context: Device, random seeds, working folder and deadline of this run.

    Attributes:
        history: Scalars of the fit, one entry per epoch or iteration.
        resumed_s: Seconds that earlier attempts took for the part of the fit that this one continues from.
        fit_threads: Number of threads of the fit on a CPU; None if the method did not choose one.
        fit_precision: Number format of the fit, `float32`, `tf32` or `bf16`; None if the method did not choose one.
        fit_batches: Number of batches that the fit chose for its time budget; None without a choice.
        samples_seen: Number of samples of all batches that gradient descent has seen; None without any.
        remarks: Sentences on the fit, which `notes` returns.
    """

    def __init__(self, problem: Problem, options: Any, context: RunContext) -> None:
        self.problem = problem
        self.options = options
        self.context = context
        self.history: list[dict[str, float]] = []
        self.resumed_s = 0.0
        self.fit_threads: int | None = None
        self.fit_precision: str | None = None
        self.fit_batches: int | None = None
        self.samples_seen: int | None = None
        self.remarks: list[str] = []

    def fit(self, train: Split, val: Split) -> None:  # noqa: B027 - methods that learn nothing leave it empty
        """Learn from `train`, and choose hyperparameters and the best weights on `val`."""

    @abstractmethod
    def predict(self, measurements: Array32) -> Array32:
        """Invert measurements.

        Args:
            measurements: Raw amplitudes `(n, S, T, R)`.

        Returns:
            Finite property maps `(n, 1, Z, X)` in physical units. Each depends on its own measurement alone. Values of
            another real type are converted to float32, see `check_prediction`.
        """

    def refit(self, train: Split, val: Split, name: str, share: float = 1.0) -> Method:
        """Fit a new method with these options to other samples, as for predictions of samples that it has not seen.

        The methods that this one builds on are fitted to them first.

        Args:
            train: Samples to learn from.
            val: Samples to choose on.
            name: Name of the fit, which sets its random seeds, and its working folder within that of this method.
            share: Length of the fit over that of this method's own, where a time budget set the latter.

        Returns:
            The fitted method.
        """
        workdir = self.context.workdir / name
        workdir.mkdir(parents=True, exist_ok=True)
        below = enumerate(self.context.below)
        refitted = tuple(one.refit(train, val, f"{name} below {number}", share) for number, one in below)
        context = dataclasses.replace(
            self.context,
            workdir=workdir,
            method=f"{self.context.method} {name}",
            fit_budget=None,
            base=refitted[0] if refitted else None,
            members=refitted if self.context.members else (),
        )
        method = type(self)(self.problem, self.options_of_refit(share), context)
        method.fit(train, val)
        return method

    def options_of_refit(self, share: float) -> Any:
        """Return the options of `refit`. Default: those of this method.

        Args:
            share: See `refit`.
        """
        return self.options

    def predict_samples(self, measurements: Array32) -> Array32 | None:
        """Return equally likely maps for each measurement, whose spread says how uncertain the prediction is.

        They are scored as the predicted distribution, such as by `crps`. A method that knows a mean and a standard
        deviation returns `gaussian_samples` of them. On the track `oracle-start`, `reveal` is called
        before, as before `predict`.

        Args:
            measurements: Raw amplitudes `(n, S, T, R)`.

        Returns:
            Finite property maps `(m, n, 1, Z, X)` in physical units, `m` from 2 to `MOST_SAMPLES` and the same in all
            calls. Those of each measurement depend on it alone. None: the method draws none, which is the default.
        """
        return None

    def reveal(self, properties: Array32) -> None:
        """Receive the true maps of the samples of the next `predict`; called on the track `oracle-start` only.

        Args:
            properties: True maps `(n, 1, Z, X)` in physical units, in the order of the measurements.

        Raises:
            MethodError: The method does not implement it, which is the default.
        """
        raise MethodError(f"{type(self).__name__} is on the track oracle-start, but does not implement reveal")

    @abstractmethod
    def complexity(self) -> Complexity:
        """Return the number of parameters and the FLOPs of one sample."""

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers in order of execution; their parameters and MACs add up to those of `complexity`.

        Default: none.
        """
        return ()

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write everything that `predict` needs to the existing folder `path`."""

    @abstractmethod
    def load(self, path: Path) -> None:
        """Read what `save` wrote to the folder `path`; the method then predicts as the saved one did."""

    def figures(self) -> dict[str, float]:
        """Return scalars that describe the fit and need no true maps, such as a penalty chosen on val.

        Called once after the predictions, on the method that made them. Default: none.
        """
        return {}

    def notes(self) -> list[str]:
        """Return sentences for the notes of the record, such as that a value was chosen at the end of its range.

        Called once after the predictions, on the method that made them. Default: `remarks`.
        """
        return list(self.remarks)

    def diagnostics(self, test: Split) -> dict[str, float]:
        """Return scalars that describe the method and need true maps.

        Called once after the predictions are stored and scored, in a separate process, on a method restored by `load`.
        If it raises, the record receives a note. Default: none.

        Args:
            test: The test split.
        """
        return {}

    def spectra(self) -> Mapping[str, ArrayLike]:
        """Return spectra by name, such as the singular values of a matrix solved for, in descending order.

        Called once after the predictions and stored in `spectra.json` of the run; `fwibench figures` draws them.
        Default: none.
        """
        return {}

    def not_fitted(self) -> MethodError:
        """Return the error to raise when `predict`, `save` or `complexity` is called before `fit` or `load`."""
        return MethodError(f"{type(self).__name__} was used before fit", "call fit or load first")


class OnBase(Method):
    """A method that builds on a fitted one, whose spec has `builds_on`; it is the first of several base classes."""

    @property
    def base(self) -> FittedMethod:
        """The fitted method that this one builds on; raises `MethodError` without one."""
        if self.context.base is None:
            raise self.not_fitted()
        return self.context.base


def check_prediction(found: Any, expected: tuple[int, ...]) -> Array32:
    """Return the result of `Method.predict` as float32.

    Args:
        found: Array of real floating-point numbers or integers, in the unit of the property.
        expected: Expected shape `(n, 1, Z, X)`.

    Returns:
        The maps as float32.

    Raises:
        MethodError: `found` is not such an array or has another shape.
        DivergedError: A value is not finite as float32.
    """
    _check_type(found, "predict", "(n, 1, Z, X)")
    if found.shape != expected:
        raise MethodError(f"predict returned shape {found.shape}, expected {expected}")
    return _finite(found, "predict")


def check_samples(found: Any, expected: tuple[int, ...], count: int | None = None) -> Array32:
    """Return the result of `Method.predict_samples` as float32.

    Args:
        found: Array of real floating-point numbers or integers, in the unit of the property.
        expected: Expected shape `(n, 1, Z, X)` of the maps that each sample has.
        count: Expected number `m` of samples; None: any from 2 to `MOST_SAMPLES`.

    Returns:
        The samples `(m, n, 1, Z, X)` as float32.

    Raises:
        MethodError: `found` is not such an array or has another shape.
        DivergedError: A value is not finite as float32.
    """
    _check_type(found, "predict_samples", "(m, n, 1, Z, X)")
    if found.shape[1:] != expected:
        wanted = ", ".join(map(str, ("m" if count is None else count, *expected)))
        raise MethodError(f"predict_samples returned shape {found.shape}, expected ({wanted})")
    if count is not None and len(found) != count:
        raise MethodError(f"predict_samples returned {len(found)} samples, in the call before {count}")
    if not 2 <= len(found) <= MOST_SAMPLES:
        raise MethodError(
            f"predict_samples returned {len(found)} samples, expected 2 to {MOST_SAMPLES}",
            "of more samples, return evenly spaced quantiles of each node, or samples drawn from them",
        )
    return _finite(found, "predict_samples")


def _check_type(found: Any, function: str, shape: str) -> None:
    hint = f"return maps.astype('float32'), a numpy array of {shape} in the property's unit"
    if not isinstance(found, np.ndarray) or isinstance(found, np.ma.MaskedArray):
        raise MethodError(f"{function} returned {type(found).__name__}, expected a numpy array", hint)
    if found.dtype.kind not in "fiu":
        raise MethodError(f"{function} returned {found.dtype}, expected real numbers: float32", hint)


def _finite(found: Any, function: str) -> Array32:
    maps = to_float32(found)
    if bad := len(find_not_finite(maps)):
        raise DivergedError(f"{function} returned values that are not finite in {bad} of {len(maps)} samples")
    return maps
