"""Restoring interpreter-wide settings after the plugins of a cell were loaded."""

import random

import numpy as np
import torch

from fwibench.runs.machine.interpreter import InterpreterState


def test_changed_settings_are_reported_and_random_states_restored() -> None:
    state = InterpreterState()
    before = random.getstate(), np.random.get_state(legacy=False), torch.get_rng_state()
    random.random()
    np.random.rand()
    torch.rand(1)
    with np.errstate(all="ignore"):
        (line,) = state.restore()
        assert "numpy's handling of floating-point errors" in line
        assert np.geterr()["divide"] == "warn"
    assert random.getstate() == before[0]
    assert (np.random.get_state(legacy=False)["state"]["key"] == before[1]["state"]["key"]).all()
    assert torch.equal(torch.get_rng_state(), before[2])
    assert state.restore() == []
