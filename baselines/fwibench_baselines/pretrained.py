"""The fitted method of a model file, as a method of its own."""

from __future__ import annotations

from fwibench.errors import UsageError
from fwibench.methods.base import Method
from fwibench.methods.context import RunContext
from fwibench.plugins.registry import load_registry
from fwibench.problem import Problem
from fwibench.runs.models.model import read_model
from fwibench_baselines.pretrained_options import PretrainedOptions


class Pretrained(Method):
    """Building it returns the method of the file, which is measured, saved and trained as any method of its class.

    Measurements and maps are scaled as in the training of the file: the scaling belongs to the weights.
    """

    def __new__(  # type: ignore[misc]
        cls, problem: Problem, options: PretrainedOptions, context: RunContext
    ) -> Method:
        """Return the fitted method of the file.

        Args:
            problem: Problem of the data that are predicted; its shapes are those of the file's problem.
            options: Options of pretrained.
            context: Device, seeds and working folder.

        Raises:
            UsageError: No file is given.
            DataError: The file is damaged.
        """
        if options.file is None:
            raise UsageError("no model file is given", "pretrained[file=NAME.fwib]; fwibench export RUN writes one")
        model = read_model(options.file)
        method = model.load(load_registry(), context, **options.changes())
        method.remarks.append(model.remark())
        return method
