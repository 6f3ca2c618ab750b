"""Stages of an evaluation and their timing."""

import numpy as np
import pytest
import torch

from fwibench.methods.traces import Step, Trace
from fwibench.runs.execution.stages import Predicted, clock_inversions
from fwibench.runs.execution.timing import best_throughput


@pytest.mark.parametrize(("before", "predict_s", "rate"), [(0.0, 4.0, 0.25), (9.0, None, None)])
def test_resumed_inversion_has_no_total_time(before: float, predict_s: float | None, rate: float | None) -> None:
    traces = [Trace([Step("all", 1, 1.0, before + 3.0)], before=before)]
    costs = clock_inversions(Predicted(np.zeros((1, 1, 2, 2), np.float32), traces, read_s=0.0, predict_s=4.0), "cpu")
    assert (costs["predict_s"], costs["throughput_per_s"]) == (predict_s, rate)
    assert costs["predict_ms_cpu1"] == 1e3 * (before + 3), "the time of a sample includes all attempts"


def test_out_of_memory_batch_ends_throughput_search() -> None:
    asked = []

    def predict(measurements: np.ndarray) -> None:
        asked.append(len(measurements))
        if len(measurements) > 4:
            raise torch.OutOfMemoryError("for the test")

    rate, batch = best_throughput(predict, np.zeros((2, 1, 1, 1), np.float32), "cpu")
    assert rate > 0
    assert batch in (1, 4)
    assert max(asked) == 16
