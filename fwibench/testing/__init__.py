"""The conformance checks of methods, datasets, metrics and studies.

    from fwibench.testing import parametrize_with_checks

    @parametrize_with_checks(["my-method", "my-dataset"])
    def test_conformance(check):
        check()

`check_method("my-method")`, `check_dataset`, `check_metric` and `check_study` do the same without pytest, and `fwibench
plugins check my-method` in the shell.
"""

from fwibench.testing.checks import Check, NonconformityError, Result
from fwibench.testing.problems import Tiny, em_problem, in_memory, seismic_problem, tiny_data
from fwibench.testing.runner import check_dataset, check_method, check_metric, check_study, parametrize_with_checks

__all__ = [
    "Check",
    "NonconformityError",
    "Result",
    "Tiny",
    "check_dataset",
    "check_method",
    "check_metric",
    "check_study",
    "em_problem",
    "in_memory",
    "parametrize_with_checks",
    "seismic_problem",
    "tiny_data",
]
