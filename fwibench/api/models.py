"""Networks, functions and estimators as methods of the suite."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fwibench.errors import UsageError
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity
from fwibench.methods.context import RunContext
from fwibench.problem import Problem
from fwibench.samples import Split
from fwibench.specs.base import NoOptions
from fwibench.specs.dataset import Profile
from fwibench.specs.method import TrainingOptions
from fwibench.typing import Array32

if TYPE_CHECKING:
    from torch import nn

EPOCHS: dict[Profile, int] = {"smoke": 2, "quick": 30, "paper": 120}
"""Epochs of a network that is trained without options: seconds, minutes, the recipe of the InvLINT paper."""


class FunctionMethod(Method):
    """A function from measurements `(n, S, T, R)` to properties `(n, 1, Z, X)`, both in physical units.

    Args:
        function: The function; it may return an array or a tensor.
        problem: What is to be inverted.
        context: Device, seeds and working folder.
    """

    def __init__(self, function: Callable[[Any], Any], problem: Problem, context: RunContext) -> None:
        super().__init__(problem, NoOptions(), context)
        self.function = function

    def predict(self, measurements: Array32) -> Array32:
        """See `Method.predict`."""
        found = self.function(measurements)
        if hasattr(found, "detach"):
            found = found.detach().cpu().numpy()
        return np.asarray(found)

    def complexity(self) -> Complexity:
        """Return nothing: the arithmetic of a function is not known."""
        return Complexity()

    def save(self, path: Path) -> None:
        """Write nothing: a function stays where it was defined."""

    def load(self, path: Path) -> None:
        """Read nothing."""


class EstimatorMethod(FunctionMethod):
    """An estimator with `fit` and `predict`, as those of scikit-learn: each sample is one row of numbers.

    Args:
        estimator: Learns `(n, S * T * R)` to `(n, Z * X)`, in physical units.
        problem: What is to be inverted.
        context: Device, seeds and working folder.
    """

    def __init__(self, estimator: Any, problem: Problem, context: RunContext) -> None:
        super().__init__(self._predict, problem, context)
        self.estimator = estimator

    def fit(self, train: Split, val: Split) -> None:
        """Fit the estimator on all train samples, which are read into memory."""
        n = len(train)
        self.estimator.fit(train.measurements[:].reshape(n, -1), train.properties[:].reshape(n, -1))

    def _predict(self, measurements: Array32) -> Array32:
        n = len(measurements)
        return np.asarray(self.estimator.predict(measurements.reshape(n, -1))).reshape(n, *self.problem.property_shape)


def network_method(module: nn.Module, problem: Problem, options: TrainingOptions, context: RunContext) -> Method:
    """Return a network as a method: it maps normalised measurements to normalised properties, both about [-1, 1].

    Args:
        module: The network; a copy is trained, the original stays as it is.
        problem: Gives the normalisation.
        options: How it is trained.
        context: Device, seeds and working folder.
    """
    from fwibench.methods.torch_method import TorchMethod

    class NetworkMethod(TorchMethod):
        def build(self) -> nn.Module:
            return copy.deepcopy(module)

    method = NetworkMethod(problem, options, context)
    # a network that is not trained here is taken as it is
    method._ready = True
    return method


def kind_of(model: Any) -> str:
    """Return what a model is: `method`, `network`, `estimator` or `function`.

    Raises:
        UsageError: It is none of these.
    """
    if isinstance(model, Method) or (inspect.isclass(model) and issubclass(model, Method)):
        return "method"
    if any(one.__module__.startswith("torch.nn.") and one.__name__ == "Module" for one in type(model).__mro__):
        return "network"
    if callable(getattr(model, "fit", None)) and callable(getattr(model, "predict", None)):
        return "estimator"
    if callable(model) and not inspect.isclass(model):
        return "function"
    what = f"the class {model.__name__}" if inspect.isclass(model) else type(model).__name__
    raise UsageError(
        f"{what} cannot be evaluated, expected a network, a function, an estimator with fit and predict, "
        "a class of methods, or the name of a method",
        f"make an instance: {model.__name__}()" if inspect.isclass(model) else "",
    )


def make_method(model: Any, problem: Problem, context: RunContext, profile: Profile, options: dict[str, Any]) -> Method:
    """Return a model as a method of the suite.

    Args:
        model: See `kind_of`.
        problem: What is to be inverted.
        context: Device, seeds and working folder.
        profile: Decides the epochs of a network unless `options` does.
        options: Of the training of a network, or of a class of methods.

    Raises:
        UsageError: The model is of no known kind, or takes no options.
    """
    kind = kind_of(model)
    if kind == "network":
        return network_method(model, problem, TrainingOptions(**{"epochs": EPOCHS[profile], **options}), context)
    if kind == "method" and not isinstance(model, Method):
        build: Callable[..., Method] = model
        return build(problem, options.get("options", NoOptions()), context)
    if options:
        raise UsageError(f"{type(model).__name__} takes no options: {', '.join(options)}")
    if isinstance(model, Method):
        return model
    return (EstimatorMethod if kind == "estimator" else FunctionMethod)(model, problem, context)
