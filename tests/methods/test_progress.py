import pytest

from fwibench.methods import iterative
from fwibench.methods.iterative import Progress
from fwibench.methods.traces import Step, Trace


def trace(iterations: int) -> Trace:
    return Trace([Step("full", i + 1, 0.5, 0.0) for i in range(iterations)])


def test_progress_counts_fractions_of_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iterative, "REPORT_EVERY_S", 0.0)
    told: list[dict[str, float]] = []
    seen = Progress(3, 10, lambda **scalars: told.append(scalars))
    seen.step(0, [trace(5)])
    seen.step(1, [trace(2)])
    seen.finish(0, [trace(7)])
    assert [one["step"] for one in told] == [0.5, 0.7, 1.2]
    assert told[-1] == {"step": 1.2, "steps": 3, "loss": 0.5}


def test_restarted_batch_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iterative, "REPORT_EVERY_S", 0.0)
    told: list[dict[str, float]] = []
    seen = Progress(4, 10, lambda **scalars: told.append(scalars))
    seen.step(0, [trace(5)] * 4)
    seen.finish(0, [trace(10)] * 2)
    assert told[-1]["step"] == 2


def test_finished_samples_are_always_reported() -> None:
    told: list[dict[str, float]] = []
    seen = Progress(2, None, lambda **scalars: told.append(scalars))
    seen.step(0, [trace(1)])
    assert not told
    seen.finish(0, [Trace()])
    assert told == [{"step": 1, "steps": 2}]
